/**
 * The index of a volume: JSON in the volume's first entry, filled up with spaces
 * to a size that is fixed before anything is written. Pure.
 *
 * What changes while an archive is written are states only, and `whole` is longer
 * than `void`: an index never outgrows its place.
 *
 * Format: `docs/archive-format.md`.
 */
import type { Digest } from '../oci/digest.ts'
import { digestOf } from '../oci/digest.ts'
import type {
  ArchiveContent,
  ArchiveIdentity,
  ArchiveImage,
  ArchiveLayout,
  PlacedEntry,
  VolumeLayout,
} from './archive-types.ts'
import { blobEntryName, volumeName } from './entry-names.ts'
import { paddedSize } from './tar-header.ts'

export const INDEX_VERSION = 1
/** Bounds of what is read, and so of what is written: of one volume. */
export const MAX_INDEX_BYTES: number = 128 * 1024 * 1024
export const MAX_INDEX_ENTRIES = 500_000

/** `void`: lost, since its source failed. */
export type EntryState = 'whole' | 'void'

export interface IndexVolume {
  readonly number: number
  /** `mirror_000001.tar`. */
  readonly name: string
  /** Bytes of the whole file. */
  readonly size: number
}

export interface IndexImage extends ArchiveImage {
  /** `void`: something of it is void, in this volume or another. */
  readonly state: EntryState
}

export interface IndexEntry {
  /** Also of a void one, which the tar has as `airlift/void/<position>`. */
  readonly name: string
  /** Of its content, from the start of the volume. */
  readonly offset: number
  readonly size: number
  /** Of its content. */
  readonly digest: Digest
  /** Ids of the images that need it, as the index orders images. */
  readonly images: readonly string[]
  readonly state: EntryState
}

export interface ArchiveIndex {
  /** Names of what a reader must know to read this archive rightly. */
  readonly features: readonly string[]
  readonly archive: ArchiveIdentity
  readonly createdAt: string
  readonly volume: IndexVolume
  /** The whole set, this one included. */
  readonly volumes: readonly IndexVolume[]
  /** Of the whole set. */
  readonly images: readonly IndexImage[]
  /** Of this volume, in its order, without the index itself and its digest. */
  readonly entries: readonly IndexEntry[]
}

/** What a run did not get. */
export interface Losses {
  /** Blobs and manifests that never came. */
  readonly blobs: ReadonlySet<Digest>
  /** Ids of images that failed. */
  readonly images: ReadonlySet<string>
}

const NO_LOSSES: Losses = { blobs: new Set(), images: new Set() }

/** A blob is void where it never came; a link where every image that needs it failed. */
export function stateOf({ source }: PlacedEntry, losses: Losses): EntryState {
  switch (source.kind) {
    case 'blob':
      return losses.blobs.has(source.digest) ? 'void' : 'whole'
    case 'file': {
      const { images } = source.file
      return images.length > 0 && images.every((id) => losses.images.has(id)) ? 'void' : 'whole'
    }
    case 'index':
      return 'whole'
  }
}

/** What a volume holds besides its index: the position here is the one in the index's `entries`. */
export function indexedEntries(volume: VolumeLayout): readonly PlacedEntry[] {
  return volume.entries.filter(({ source }) => source.kind !== 'index')
}

export function volumeIndex(
  content: ArchiveContent,
  layout: ArchiveLayout,
  { volume, losses = NO_LOSSES }: { readonly volume: VolumeLayout; readonly losses?: Losses },
): ArchiveIndex {
  const imagesOf = new Map(content.blobs.map(({ digest, images }) => [digest, images]))
  const describe = ({ number, name, size }: VolumeLayout): IndexVolume => ({ number, name, size })
  return {
    features: [],
    archive: content.identity,
    createdAt: content.createdAt,
    volume: describe(volume),
    volumes: layout.volumes.map(describe),
    images: content.images.map((image) => ({ ...image, state: losses.images.has(image.id) ? 'void' : 'whole' })),
    entries: indexedEntries(volume).flatMap((entry) => {
      const { name, offset, size, source } = entry
      if (source.kind === 'index') return []
      const [digest, images] =
        source.kind === 'file'
          ? [digestOf(source.file.bytes), source.file.images]
          : [source.digest, imagesOf.get(source.digest) ?? []]
      return [{ name, offset, size, digest, images, state: stateOf(entry, losses) }]
    }),
  }
}

/** @param size Bytes that the layout keeps for it. */
export function encodeIndex(index: ArchiveIndex, size: number): Buffer {
  const position = positions(index.images)
  const text = frame(index, {
    volumes: index.volumes.map((volume) => JSON.stringify(volume)),
    images: index.images.map(imageRow),
    entries: index.entries.map((entry) => entryRow(entry, position)),
  })
  if (Buffer.byteLength(text) >= size) throw new Error(`an index does not fit into the ${size} bytes kept for it`)
  const bytes = Buffer.alloc(size, ' ')
  bytes.write(text)
  bytes[size - 1] = 0x0a
  return bytes
}

/** How many bytes the indexes of an archive need, before offsets and volumes are known. */
export interface IndexSizer {
  /** Bytes of an entry's row, at most. */
  row(entry: Pick<IndexEntry, 'name' | 'size' | 'digest' | 'images'>): number
  /** Bytes to keep for an index whose entries have rows of `rows` bytes in all. */
  reserve(rows: number): number
}

/** @param most Most volumes that the archive will have, and the number of the last of them. */
export function indexSizer(
  content: ArchiveContent,
  most: { readonly volumes: number; readonly lastNumber: number },
): IndexSizer {
  const position = positions(content.images)
  const volume = { number: most.lastNumber, name: volumeName(most.lastNumber), size: Number.MAX_SAFE_INTEGER }
  const head = { features: [], archive: content.identity, createdAt: content.createdAt, volume }
  const images = content.images.map((image) => imageRow({ ...image, state: 'whole' }))
  const base =
    Buffer.byteLength(frame(head, { volumes: [], images, entries: [] })) +
    most.volumes * rowBytes(JSON.stringify(volume))
  return {
    row: (entry) => rowBytes(entryRow({ ...entry, offset: Number.MAX_SAFE_INTEGER, state: 'whole' }, position)),
    reserve: (rows) => paddedSize(base + rows + 1),
  }
}

type Head = Pick<ArchiveIndex, 'features' | 'archive' | 'createdAt' | 'volume'>

/** One row in each line, so that people can search an index too. */
function frame(
  { features, archive, createdAt, volume }: Head,
  lists: Readonly<Record<'volumes' | 'images' | 'entries', readonly string[]>>,
): string {
  const head = JSON.stringify({ version: INDEX_VERSION, features, archive, createdAt, volume })
  const rows = Object.entries(lists).map(([key, list]) => `,\n"${key}":[${list.map((row) => `\n${row}`).join(',')}]`)
  return `${head.slice(0, -1)}${rows.join('')}}\n`
}

function imageRow({ kind, origin, repository, tag, digest, platforms, content, state }: IndexImage): string {
  return JSON.stringify({ kind, origin, repository, tag, digest, platforms, content, state })
}

/** A blob's name follows from its digest and is left out. */
function entryRow(
  { name, offset, size, digest, images, state }: IndexEntry,
  position: ReadonlyMap<string, number>,
): string {
  return JSON.stringify({
    ...(name !== blobEntryName(digest) && { name }),
    offset,
    size,
    digest,
    ...(images.length > 0 && { images: images.map((id) => positionOf(id, position)).toSorted((a, b) => a - b) }),
    state,
  })
}

function positions(images: readonly ArchiveImage[]): ReadonlyMap<string, number> {
  return new Map(images.map(({ id }, index) => [id, index]))
}

function positionOf(id: string, position: ReadonlyMap<string, number>): number {
  const found = position.get(id)
  if (found === undefined) throw new Error(`an entry is for ${id}, which is no image of the archive`)
  return found
}

/** With the comma and the line break around it. */
function rowBytes(row: string): number {
  return Buffer.byteLength(row) + 2
}
