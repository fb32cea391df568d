/**
 * Opens the volumes of one or several directories as one store.
 *
 * Nothing is unpacked and nothing believed: what is damaged, incomplete or not
 * where it belongs ends it before anything is read, unless the caller takes what
 * is whole.
 */
import type { Readable } from 'node:stream'
import { AirliftError } from '../base/errors.ts'
import type { ErrorCode } from '../base/errors.ts'
import type { CallOptions } from '../content/ports.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { digestAlgorithm, digestOf } from '../oci/digest.ts'
import type { Digest } from '../oci/digest.ts'
import { ArchiveSource } from './archive-source.ts'
import { ContentTable, taggedDigest } from './content-table.ts'
import { findVolumes } from './find-volumes.ts'
import type { IndexImage } from './index-format.ts'
import type {
  Archive,
  ArchivedFile,
  ArchiveRepository,
  ContentLocation,
  ListedImage,
  OpenArchiveOptions,
  VolumeProblem,
  VolumeProblemKind,
  VolumeSet,
} from './reading-types.ts'
import { readVolume } from './volume-content.ts'
import type { VolumeContent } from './volume-content.ts'
import { VolumeFile } from './volume-file.ts'
import { groupVolumes, holderOf, missingVolumes } from './volume-sets.ts'

const MAX_FILE_BYTES = 256 * 1024 * 1024

/**
 * @param directories Where later ones win: for tags, and for files such as those of `working-dir`.
 *   A volume may be named itself.
 * @throws {AirliftError} `ARCHIVE_INCOMPLETE`, `ARCHIVE_INVALID`, `ARCHIVE_DAMAGED` or `DISK_FAILED`; `UNSUPPORTED`
 *   for an archive that asks for a newer version of this program.
 */
export async function openArchive(directories: readonly string[], options: OpenArchiveOptions): Promise<Archive> {
  const opened = await openVolumes(directories, options)
  if (opened.problems.length === 0 || options.partial === true) return opened.archive
  await using _ = opened.archive
  throw asError(opened.problems)
}

export interface OpenedVolumes {
  /** Closes the volumes. */
  readonly archive: Archive
  readonly volumes: readonly VolumeContent[]
  readonly problems: readonly VolumeProblem[]
}

/** All that is there, whole or not, with the entries of each volume. */
export async function openVolumes(directories: readonly string[], options: CallOptions): Promise<OpenedVolumes> {
  await using opening = new AsyncDisposableStack()
  const volumes: VolumeContent[] = []
  for (const path of await findVolumes(directories)) {
    const file = opening.use(await VolumeFile.open(path))
    volumes.push(await readVolume(file, options))
  }
  const sets = groupVolumes(volumes)
  const problems = [...volumes.flatMap((content) => content.problems), ...missingVolumes(sets, volumes)]
  const table = new ContentTable()
  for (const { file, volume, entries } of volumes) for (const entry of entries) table.add(entry, { file, volume })
  const images = knownImages(volumes, table)
  // The links of a set lie in its first volume, which may be out of reach.
  if (problems.length > 0) for (const image of images) if (image.state === 'whole') table.addImage(image)
  const archive = new OpenedArchive({ sets, problems, volumes, table, images, files: opening.move() })
  return { archive, volumes, problems }
}

interface ArchiveParts {
  readonly sets: readonly VolumeSet[]
  readonly problems: readonly VolumeProblem[]
  readonly volumes: readonly VolumeContent[]
  readonly table: ContentTable
  readonly images: readonly ListedImage[]
  /** Closes the volumes. */
  readonly files: AsyncDisposableStack
}

class OpenedArchive implements Archive {
  readonly sets: readonly VolumeSet[]
  readonly problems: readonly VolumeProblem[]
  readonly images: readonly ListedImage[]
  readonly #parts: ArchiveParts
  readonly #repositories = new Map<string, ArchiveRepository>()

  constructor(parts: ArchiveParts) {
    this.sets = parts.sets
    this.problems = parts.problems
    this.images = parts.images
    this.#parts = parts
  }

  get repositories(): readonly string[] {
    return [...this.#parts.table.repositories.keys()].toSorted(compareText)
  }

  repository(name: string): ArchiveRepository {
    const known = this.#repositories.get(name)
    if (known !== undefined) return known
    const { table } = this.#parts
    const made = new ArchiveSource(name, { table, holderOf: (digest) => this.holderOf(digest) })
    // A client may ask for any name: only those that exist are kept.
    if (made.exists) this.#repositories.set(name, made)
    return made
  }

  digests(): Iterable<Digest> {
    return this.#parts.table.blobs.keys()
  }

  locate(digest: Digest): ContentLocation | undefined {
    return this.#parts.table.blobs.get(digest)
  }

  async openBlob(
    { digest }: Descriptor,
    { signal, offset = 0 }: CallOptions & { readonly offset?: number },
  ): Promise<Readable> {
    signal.throwIfAborted()
    const stored = this.#parts.table.blobs.get(digest)
    if (stored !== undefined) return stored.file.stream(stored.offset + offset, Math.max(stored.size - offset, 0))
    throw new AirliftError('BLOB_UNKNOWN', `${digest} is in no volume here: it is in ${this.holderOf(digest)}`, {
      details: { digest },
    })
  }

  holderOf(digest: Digest): string {
    return holderOf(digest, this.sets, this.#parts.volumes)
  }

  files(prefix: string): readonly ArchivedFile[] {
    return [...this.#parts.table.files]
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, { size }]) => ({ name, size }))
      .toSorted((a, b) => compareText(a.name, b.name))
  }

  async readFile(
    name: string,
    { signal, maxBytes = MAX_FILE_BYTES }: CallOptions & { readonly maxBytes?: number },
  ): Promise<Uint8Array | undefined> {
    signal.throwIfAborted()
    const stored = this.#parts.table.files.get(name)
    if (stored === undefined) return undefined
    if (stored.size > maxBytes) {
      throw new AirliftError('ARCHIVE_INVALID', `${name} in ${stored.file.path} has ${stored.size} bytes`)
    }
    const bytes = stored.file.readExactly(stored.offset, stored.size)
    if (stored.digest === undefined || digestOf(bytes, digestAlgorithm(stored.digest)) === stored.digest) return bytes
    throw new AirliftError('ARCHIVE_DAMAGED', `${name} in ${stored.file.path} has been damaged`, {
      hint: 'run airlift archive verify, and copy the volume again from where it was written',
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.files.disposeAsync()
  }
}

/** Those of the indexes, and those that only a tag tells of. */
function knownImages(volumes: readonly VolumeContent[], table: ContentTable): readonly ListedImage[] {
  const images = new Map<string, ListedImage>()
  for (const { index } of volumes) for (const image of index?.images ?? []) images.set(image.id, listed(image))
  for (const image of taggedImages(table)) if (!images.has(image.id)) images.set(image.id, image)
  return [...images.values()].toSorted((a, b) => compareText(a.id, b.id))
}

function listed(image: IndexImage): ListedImage {
  const { id, repository, tag, digest, kind, origin, platforms, content, state } = image
  return { id, repository, tag, digest, kind, origin, platforms, content, state }
}

const ATTACHMENT_TAG = /^sha256-[0-9a-f]{64}\.(?:sig|att|sbom)$/

/** For volumes without index: every tag that does not belong to an image itself. */
function* taggedImages({ repositories }: ContentTable): Generator<ListedImage> {
  for (const [repository, links] of repositories) {
    for (const tag of links.tags.keys()) {
      const digest = taggedDigest(links, tag)
      if (digest === undefined || ATTACHMENT_TAG.test(tag)) continue
      yield { id: `${repository}:${tag}`, repository, tag, digest, state: 'whole' }
    }
  }
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

const CODES: Readonly<Record<VolumeProblemKind, ErrorCode>> = {
  missing: 'ARCHIVE_INCOMPLETE',
  truncated: 'ARCHIVE_INCOMPLETE',
  swapped: 'ARCHIVE_INCOMPLETE',
  'index-damaged': 'ARCHIVE_DAMAGED',
  damaged: 'ARCHIVE_DAMAGED',
  invalid: 'ARCHIVE_INVALID',
}
const SHOWN_PROBLEMS = 10

function asError(problems: readonly VolumeProblem[]): AirliftError {
  const [first] = problems.toSorted((a, b) => WORST_FIRST.indexOf(a.kind) - WORST_FIRST.indexOf(b.kind))
  const messages = problems.slice(0, SHOWN_PROBLEMS).map(({ message }) => message)
  const more = problems.length - messages.length
  return new AirliftError(
    CODES[first?.kind ?? 'invalid'],
    `${messages.join('; ')}${more > 0 ? `; and ${more} more` : ''}`,
    { hint: 'copy those volumes again, or wait until their copy has ended; --partial takes what is whole' },
  )
}

const WORST_FIRST: readonly VolumeProblemKind[] = [
  'invalid',
  'index-damaged',
  'damaged',
  'truncated',
  'swapped',
  'missing',
]
