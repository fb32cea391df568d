/**
 * Where every byte of an archive lies, decided before one is fetched. Pure:
 * equal content has an equal layout.
 *
 * Entries keep their order and go into the current volume while they fit. What
 * no volume can hold gets one of its own, the next, and the current stays open,
 * as `oc-mirror` v2 has it.
 */
import { AirliftError } from '../base/errors.ts'
import { digestOf } from '../oci/digest.ts'
import type {
  ArchiveContent,
  ArchiveLayout,
  EntrySource,
  LayoutLimits,
  PlacedEntry,
  VolumeLayout,
} from './archive-types.ts'
import { blobEntryName, INDEX_DIGEST_NAME, INDEX_NAME, isSafeName, volumeName } from './entry-names.ts'
import { indexSizer, MAX_INDEX_BYTES, MAX_INDEX_ENTRIES } from './index-format.ts'
import type { IndexSizer } from './index-format.ts'
import { BLOCK_BYTES, END_BYTES, paddedSize, tarHeaderLength } from './tar-header.ts'

const GIB = 2 ** 30
/** Volumes have this limit where the configuration has none. */
export const DEFAULT_VOLUME_BYTES: number = 500 * GIB
/** `sha256:` and 64 digits. */
const INDEX_DIGEST_BYTES = 71
/** Of the index's header, of its digest's header and of its digest. */
const FIXED_BYTES = 3 * BLOCK_BYTES
const ANY_DIGEST = digestOf(new Uint8Array())

interface Item {
  readonly name: string
  readonly source: EntrySource
  readonly size: number
  readonly images: readonly string[]
}

/** What no volume can hold, and how large one would be that does. */
interface TooLarge {
  readonly item: Item
  readonly volumeBytes: number
}

/** A volume on its way. */
interface Draft {
  readonly items: Item[]
  /** Of headers and padded content. */
  bytes: number
  /** Of the index's rows. */
  rows: number
}

/**
 * No volume at all where there is nothing to lay out.
 *
 * @throws {AirliftError} `VOLUME_TOO_SMALL` where `strict` and an entry is larger than a volume may be;
 *   `NAME_INVALID` for a file that no archive can hold; `UNSUPPORTED` for more images than an index can describe.
 */
export function layoutArchive(content: ArchiveContent, limits: LayoutLimits): ArchiveLayout {
  const items = itemsOf(content)
  // The index of each volume lists all volumes: the more there are, the less fits into one.
  let most = 1
  for (;;) {
    const sizer = indexSizer(content, { volumes: most, lastNumber: limits.firstVolume + most })
    const drafts = fill(items, sizer, limits)
    if (drafts.length <= most) return place(drafts, sizer, limits)
    most = drafts.length + Math.floor(drafts.length / 16)
  }
}

function itemsOf({ files, blobs }: ArchiveContent): readonly Item[] {
  const items = [
    ...files.map((file): Item => {
      const { name, bytes, images } = file
      return { name, source: { kind: 'file', file }, size: bytes.length, images }
    }),
    ...blobs.map(({ digest, size, images }): Item => {
      return { name: blobEntryName(digest), source: { kind: 'blob', digest }, size, images }
    }),
  ]
  const unsafe = items.find(({ name }) => !isSafeName(name))
  if (unsafe !== undefined) {
    throw new AirliftError('NAME_INVALID', `no archive can hold a file named ${JSON.stringify(unsafe.name)}`, {
      hint: 'rename it or take it away',
    })
  }
  if (new Set(items.map(({ name }) => name)).size < items.length) throw new Error('an archive with an entry twice')
  return items
}

function fill(items: readonly Item[], sizer: IndexSizer, limits: LayoutLimits): readonly Draft[] {
  const drafts: Draft[] = []
  const tooLarge: TooLarge[] = []
  let current: Draft | undefined
  if (sizer.reserve(0) > MAX_INDEX_BYTES / 2) {
    throw new AirliftError('UNSUPPORTED', 'the image set has more images than one archive can describe', {
      hint: 'mirror it in several runs with a part of the configuration each',
    })
  }
  const begin = (): Draft => {
    const draft = { items: [], bytes: 0, rows: 0 }
    drafts.push(draft)
    return draft
  }
  for (const item of items) {
    const bytes = tarHeaderLength(item) + paddedSize(item.size)
    const rows = sizer.row({ ...item, digest: item.source.kind === 'blob' ? item.source.digest : ANY_DIGEST })
    const fits = (draft: Pick<Draft, 'bytes' | 'rows'>): boolean =>
      volumeSize({ bytes: draft.bytes + bytes, rows: draft.rows + rows }, sizer) < limits.volumeBytes
    const isException = !fits({ bytes: 0, rows: 0 })
    if (isException) tooLarge.push({ item, volumeBytes: volumeSize({ bytes, rows }, sizer) })
    const hasRoom = (draft: Draft): boolean =>
      fits(draft) && draft.items.length < MAX_INDEX_ENTRIES && sizer.reserve(draft.rows + rows) <= MAX_INDEX_BYTES
    if (!isException && (current === undefined || !hasRoom(current))) current = begin()
    const draft = isException || current === undefined ? begin() : current
    draft.items.push(item)
    draft.bytes += bytes
    draft.rows += rows
  }
  if (limits.strict && tooLarge.length > 0) throw tooSmall(tooLarge, limits)
  return drafts
}

function volumeSize({ bytes, rows }: Pick<Draft, 'bytes' | 'rows'>, sizer: IndexSizer): number {
  return FIXED_BYTES + sizer.reserve(rows) + bytes + END_BYTES
}

function place(drafts: readonly Draft[], sizer: IndexSizer, limits: LayoutLimits): ArchiveLayout {
  const volumes = drafts.map((draft, index): VolumeLayout => {
    const number = limits.firstVolume + index
    const own: readonly Omit<Item, 'images'>[] = [
      { name: INDEX_NAME, source: { kind: 'index' }, size: sizer.reserve(draft.rows) },
      { name: INDEX_DIGEST_NAME, source: { kind: 'index' }, size: INDEX_DIGEST_BYTES },
    ]
    const entries: PlacedEntry[] = []
    let headerOffset = 0
    for (const { name, source, size } of [...own, ...draft.items]) {
      const offset = headerOffset + tarHeaderLength({ name, size })
      entries.push({ name, source, headerOffset, offset, size })
      headerOffset = offset + paddedSize(size)
    }
    return { name: volumeName(number), number, size: headerOffset + END_BYTES, entries }
  })
  return { volumes, size: volumes.reduce((sum, { size }) => sum + size, 0) }
}

/** In the words of `oc-mirror` v2, which scripts look for. */
function tooSmall(found: readonly TooLarge[], { volumeBytes }: LayoutLimits): AirliftError {
  const gib = (bytes: number): string => `${Math.floor(bytes / GIB)}G`
  const files = found.map(({ item: { name, size } }) => `${name}: ${gib(size)}\n`).join('')
  const largest = found.reduce((max, one) => Math.max(max, one.volumeBytes), 0)
  return new AirliftError(
    'VOLUME_TOO_SMALL',
    `maxArchiveSize ${gib(volumeBytes)} is too small compared to sizes of files that need to be included in the archive.\n${files} Aborting archive generation`,
    { hint: `set archiveSize to at least ${Math.floor(largest / GIB) + 1}, or leave out --strict-archive` },
  )
}
