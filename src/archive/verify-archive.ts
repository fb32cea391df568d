/**
 * Reads every byte of the volumes and compares it with the digests: what is damaged
 * is named by volume, entry and image.
 *
 * Each volume is read from its start to its end by one thread, several volumes at
 * once: that is what disks are fastest at. One volume of many is enough.
 */
import { availableParallelism } from 'node:os'
import { mapLimit } from '../base/map-limit.ts'
import type { CallOptions } from '../content/ports.ts'
import { digestAlgorithm, digestHex, digestOf } from '../oci/digest.ts'
import type { Digest } from '../oci/digest.ts'
import { hashInWorker } from './hash-worker.ts'
import type { HashJob, RangeFault } from './hash-worker.ts'
import { imageContent } from './image-content.ts'
import { openVolumes } from './open-archive.ts'
import { parseEntryName } from './parse-entry-name.ts'
import type { Archive, VolumeProblem, VolumeSet } from './reading-types.ts'
import type { VolumeContent, VolumeEntry } from './volume-content.ts'

export type VerifyEvent =
  /** `bytes` of the `total` in all volumes have been read. */
  | { readonly type: 'verify-progress'; readonly bytes: number; readonly total: number }
  | { readonly type: 'entry-damaged'; readonly entry: DamagedEntry }

export interface DamagedEntry {
  /** Path of the volume. */
  readonly volume: string
  readonly name: string
  readonly digest?: Digest
  readonly fault: RangeFault
  /** Ids of the images that it costs; empty for files that belong to none. */
  readonly images: readonly string[]
}

export interface VerifyResult {
  readonly sets: readonly VolumeSet[]
  readonly volumes: readonly VerifiedVolume[]
  /** Ordered by volume and place. */
  readonly damaged: readonly DamagedEntry[]
  /** Missing volumes too, which are no damage of those that are here. */
  readonly problems: readonly VolumeProblem[]
  /** All that the volumes know. */
  readonly images: number
  /** Ids of those that damage costs. */
  readonly damagedImages: readonly string[]
  /** Bytes that were read. */
  readonly bytes: number
}

interface VerifiedVolume {
  readonly path: string
  readonly size: number
  readonly entries: number
  readonly isWhole: boolean
}

export interface VerifyOptions extends CallOptions {
  readonly onEvent: (event: VerifyEvent) => void
}

/**
 * @param directories Volumes may be named themselves.
 * @throws {AirliftError} where there is no volume at all, a disk fails, or a volume asks for a newer version.
 */
export async function verifyArchive(directories: readonly string[], options: VerifyOptions): Promise<VerifyResult> {
  const { archive, volumes, problems } = await openVolumes(directories, options)
  await using _ = archive
  const progress = createProgress(volumes, options.onEvent)
  const users = imageUsers(archive, options)
  const damaged = await mapLimit(
    volumes,
    availableParallelism(),
    (content, signal) => verifyVolume(content, { signal, users, onEvent: options.onEvent, ...progress }),
    options,
  )
  return {
    sets: archive.sets,
    volumes: volumes.map((content, index) => ({
      path: content.file.path,
      size: content.file.size,
      entries: content.entries.length,
      isWhole: damaged[index]?.length === 0 && content.problems.length === 0,
    })),
    damaged: damaged.flat(),
    problems,
    images: archive.images.length,
    damagedImages: [...new Set(damaged.flat().flatMap(({ images }) => images))].toSorted(),
    bytes: progress.bytesRead(),
  }
}

interface VerifyContext extends VerifyOptions {
  readonly users: (digest: Digest) => Promise<readonly string[]>
  readonly onPosition: (content: VolumeContent, position: number) => void
}

async function verifyVolume(content: VolumeContent, context: VerifyContext): Promise<DamagedEntry[]> {
  const entries = content.entries.toSorted((a, b) => a.offset - b.offset)
  const faults: (readonly [VolumeEntry, RangeFault])[] = []
  await hashInWorker(content.file.descriptor, entries.map(jobFor), {
    signal: context.signal,
    onProgress: (position) => context.onPosition(content, position),
    onFault: (job, fault) => {
      const entry = entries[job]
      if (entry !== undefined) faults.push([entry, fault])
    },
  })
  context.onPosition(content, content.file.size)
  const damaged: DamagedEntry[] = []
  for (const [entry, fault] of faults) {
    const described = await describe(content, { entry, fault }, context)
    damaged.push(described)
    context.onEvent({ type: 'entry-damaged', entry: described })
  }
  return damaged
}

function jobFor({ name, offset, size, digest }: VolumeEntry): HashJob {
  const expected = digest ?? digestByName(name)
  return {
    offset,
    size,
    ...(expected !== undefined && { expected: { algorithm: digestAlgorithm(expected), hex: digestHex(expected) } }),
  }
}

/** What a name alone says of the content: that of blobs, and of links that are named by their target. */
function digestByName(name: string): Digest | undefined {
  const parsed = parseEntryName(name)
  switch (parsed.kind) {
    case 'blob':
      return parsed.digest
    case 'layer':
    case 'revision':
      return digestOf(Buffer.from(parsed.digest))
    case 'tag':
    case 'file':
    case 'passed-over':
      return undefined
  }
}

async function describe(
  { file }: VolumeContent,
  { entry, fault }: { readonly entry: VolumeEntry; readonly fault: RangeFault },
  { users }: VerifyContext,
): Promise<DamagedEntry> {
  const parsed = parseEntryName(entry.name)
  const digest = 'digest' in parsed ? parsed.digest : undefined
  const images = entry.images ?? (digest === undefined ? [] : await users(digest))
  return { volume: file.path, name: entry.name, ...(digest !== undefined && { digest }), fault, images }
}

/** Which images need a digest, where no index says it: looked up when the first damage is found. */
function imageUsers(archive: Archive, options: CallOptions): VerifyContext['users'] {
  let users: Promise<ReadonlyMap<Digest, readonly string[]>> | undefined
  const find = async (): Promise<ReadonlyMap<Digest, readonly string[]>> => {
    const found = new Map<Digest, string[]>()
    for (const image of archive.images) {
      for (const digest of (await imageContent(archive, image, options)).digests) {
        const ids = found.get(digest)
        if (ids === undefined) found.set(digest, [image.id])
        else ids.push(image.id)
      }
    }
    return found
  }
  return async (digest) => (await (users ??= find())).get(digest) ?? []
}

function createProgress(
  volumes: readonly VolumeContent[],
  onEvent: VerifyOptions['onEvent'],
): Pick<VerifyContext, 'onPosition'> & { readonly bytesRead: () => number } {
  const positions = new Map<VolumeContent, number>()
  const total = volumes.reduce((sum, { file }) => sum + file.size, 0)
  const bytesRead = (): number => [...positions.values()].reduce((sum, position) => sum + position, 0)
  return {
    bytesRead,
    onPosition: (content, position) => {
      positions.set(content, position)
      onEvent({ type: 'verify-progress', bytes: bytesRead(), total })
    },
  }
}
