/**
 * What one volume holds: from its index where it has one that can be believed,
 * else from one pass over its headers.
 *
 * An index is believed once it hashes to what stands beside it, stays within the
 * volume, and headers all over the volume say the same.
 */
import { AirliftError, hasCode } from '../base/errors.ts'
import type { CallOptions } from '../content/ports.ts'
import { digestOf } from '../oci/digest.ts'
import type { Digest } from '../oci/digest.ts'
import { INDEX_DIGEST_NAME, INDEX_NAME, isSafeName } from './entry-names.ts'
import { MAX_INDEX_BYTES } from './index-format.ts'
import type { ArchiveIndex } from './index-format.ts'
import { keepIndex, readKeptIndex } from './kept-index.ts'
import { parseIndex } from './parse-index.ts'
import { parseTarHeader } from './parse-tar-header.ts'
import type { TarStep } from './parse-tar-header.ts'
import type { FoundVolume, VolumeProblem, VolumeProblemKind } from './reading-types.ts'
import { scanVolume } from './scan-volume.ts'
import type { ScannedEntry } from './scan-volume.ts'
import { BLOCK_BYTES, END_BYTES, paddedSize, tarHeaderLength } from './tar-header.ts'
import { volumeNumber } from './volume-file.ts'
import type { VolumeFile } from './volume-file.ts'

export interface VolumeEntry extends ScannedEntry {
  /** Of its content; absent where no index says it. */
  readonly digest?: Digest
  /** Ids of the images that need it. */
  readonly images?: readonly string[]
}

export interface VolumeContent {
  readonly file: VolumeFile
  readonly volume: FoundVolume
  /** Absent where there is none, or none that can be believed. */
  readonly index: ArchiveIndex | undefined
  /** Those that are wholly there, in no particular order. */
  readonly entries: readonly VolumeEntry[]
  readonly problems: readonly VolumeProblem[]
}

const SPOT_CHECKS = 32
/** Largest size that a header says without an extension before it. */
const MAX_PLAIN_SIZE = 0o777_7777_7777

/** @throws {AirliftError} `UNSUPPORTED` for an index of a later version, `DISK_FAILED`. */
export async function readVolume(file: VolumeFile, options: CallOptions): Promise<VolumeContent> {
  const volume: FoundVolume = {
    path: file.path,
    name: file.name,
    number: volumeNumber(file.name) ?? 0,
    size: file.size,
  }
  try {
    const index = readIndex(file)
    if (index !== undefined) return fromIndex(file, volume, index)
    return await fromHeaders(file, volume, options)
  } catch (error) {
    if (!hasCode(error, 'ARCHIVE_DAMAGED')) throw error
    const scanned = await fromHeaders(file, volume, options)
    const damage = { kind: 'index-damaged', path: file.path, message: error.message } as const
    return { ...scanned, problems: [damage, ...scanned.problems] }
  }
}

/** @throws {AirliftError} `ARCHIVE_DAMAGED`, `UNSUPPORTED`. */
function readIndex(file: VolumeFile): ArchiveIndex | undefined {
  const head = headerAt(file, 0)
  if (head?.kind !== 'file' || head.name !== INDEX_NAME) return undefined
  if (head.size > MAX_INDEX_BYTES) throw damaged(file, `it has ${head.size} bytes`)
  const bytes = file.readExactly(head.length, head.size)
  const digestAt = head.length + paddedSize(head.size)
  const next = headerAt(file, digestAt)
  if (next?.kind !== 'file' || next.name !== INDEX_DIGEST_NAME || next.size > BLOCK_BYTES) {
    throw damaged(file, 'its digest does not follow it')
  }
  const digest = file
    .readExactly(digestAt + next.length, next.size)
    .toString('latin1')
    .trim()
  if (digestOf(bytes) !== digest) throw damaged(file, 'it does not hash to the digest beside it')
  try {
    return parseIndex(bytes)
  } catch (error) {
    if (hasCode(error, 'ARCHIVE_INVALID')) throw damaged(file, error.message, error)
    throw error
  }
}

function fromIndex(file: VolumeFile, found: FoundVolume, index: ArchiveIndex): VolumeContent {
  const volume = { ...found, archive: index.archive }
  const problems: VolumeProblem[] = []
  const report = (kind: VolumeProblemKind, message: string): void => {
    problems.push({ kind, path: file.path, message: `${file.path} ${message}` })
  }
  if (index.volume.name !== file.name) report('swapped', `holds ${index.volume.name}, by its index`)
  const { size } = index.volume
  if (file.size < size) report('truncated', `has ${file.size} of its ${size} bytes: it was cut off, or is being copied`)
  if (file.size > size) throw damaged(file, `it says ${size} bytes, and the volume has ${file.size}`)
  const entries = index.entries.filter(({ state }) => state === 'whole')
  const there = entries.filter(({ offset, size: bytes }) => offset + bytes <= file.size)
  const liar = sampleOf(there).find((entry) => !matchesHeader(file, entry))
  if (liar !== undefined) {
    report('damaged', `has no header for ${JSON.stringify(liar.name)}, by its index: it is damaged, or is being copied`)
  } else if (file.size === size && !endsAsTar(file)) {
    report('truncated', 'does not end as a tar: it is being copied, or was cut')
  }
  return { file, volume, index, entries: there, problems }
}

async function fromHeaders(file: VolumeFile, volume: FoundVolume, options: CallOptions): Promise<VolumeContent> {
  const kept = await readKeptIndex(file)
  if (kept !== undefined && isTrue(file, kept)) return { file, volume, index: undefined, entries: kept, problems: [] }
  const { entries, failure } = await scanVolume(file, options)
  if (failure === undefined) {
    await keepIndex(file, entries)
    return { file, volume, index: undefined, entries, problems: [] }
  }
  const kind = failure.code === 'ARCHIVE_INCOMPLETE' ? 'truncated' : 'invalid'
  const problem: VolumeProblem = { kind, path: file.path, message: failure.message }
  return { file, volume, index: undefined, entries, problems: [problem] }
}

/** Whether noted entries are those of the volume, as far as a sample tells. */
function isTrue(file: VolumeFile, entries: readonly VolumeEntry[]): boolean {
  const isInside = ({ name, offset, size }: VolumeEntry): boolean =>
    isSafeName(name) && offset >= BLOCK_BYTES && size >= 0 && offset + size <= file.size - END_BYTES
  return (
    entries.every(isInside) &&
    new Set(entries.map(({ name }) => name)).size === entries.length &&
    sampleOf(entries).every((entry) => matchesHeader(file, entry)) &&
    endsAsTar(file)
  )
}

/** The first, the last, and some between. */
function sampleOf(entries: readonly VolumeEntry[]): readonly VolumeEntry[] {
  const step = Math.max(1, Math.floor(entries.length / SPOT_CHECKS))
  return entries.filter((_, at) => at % step === 0 || at === entries.length - 1)
}

/** Names that need an extension header are cut in their own. */
function matchesHeader(file: VolumeFile, { name, offset, size }: VolumeEntry): boolean {
  const step = headerAt(file, offset - BLOCK_BYTES)
  if (size > MAX_PLAIN_SIZE || tarHeaderLength({ name, size }) > BLOCK_BYTES) return true
  return step?.kind === 'file' && step.name === name && step.size === size
}

function endsAsTar(file: VolumeFile): boolean {
  if (file.size < END_BYTES) return false
  const end = Buffer.alloc(END_BYTES, 1)
  file.read(end, file.size - END_BYTES)
  return end.every((byte) => byte === 0)
}

/** `undefined` where there is no header that can be read alone. */
function headerAt(file: VolumeFile, position: number): TarStep | undefined {
  const block = Buffer.alloc(BLOCK_BYTES)
  const count = file.read(block, position)
  try {
    return parseTarHeader(block.subarray(0, count), file.size - position)
  } catch (error) {
    if (hasCode(error, 'ARCHIVE_INVALID', 'ARCHIVE_INCOMPLETE')) return undefined
    throw error
  }
}

function damaged({ path }: VolumeFile, why: string, cause?: unknown): AirliftError {
  return new AirliftError('ARCHIVE_DAMAGED', `the index of ${path} is damaged: ${why}`, { cause })
}
