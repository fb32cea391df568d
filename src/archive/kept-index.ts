/**
 * The entries of a volume that has no index, kept beside it after the pass over its
 * headers, so that the next start need not make the pass again.
 *
 * Holds for the file of the same size and time only. It is a cache: it may be lost,
 * and need not be writable.
 */
import { readFile, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { writeFileAtomic } from '../base/atomic-file.ts'
import { hasCode, isSystemError } from '../base/errors.ts'
import type { ScannedEntry } from './scan-volume.ts'
import type { VolumeFile } from './volume-file.ts'

interface KeptIndex {
  readonly version: 1
  readonly size: number
  readonly modifiedMs: number
  /** Name, offset and size of each. */
  readonly entries: readonly (readonly [string, number, number])[]
}

const MAX_BYTES = 128 * 1024 * 1024

/** Entries as somebody noted them: the caller compares them with the volume. */
export async function readKeptIndex(volume: VolumeFile): Promise<readonly ScannedEntry[] | undefined> {
  try {
    const path = pathOf(volume)
    if ((await stat(path)).size > MAX_BYTES) return undefined
    const kept: unknown = JSON.parse(await readFile(path, 'utf8'))
    if (!isKeptIndex(kept) || kept.size !== volume.size || kept.modifiedMs !== volume.modifiedMs) return undefined
    return kept.entries.map(([name, offset, size]) => ({ name, offset, size }))
  } catch (error) {
    if (error instanceof SyntaxError || isSystemError(error, 'ENOENT', 'ENOTDIR', 'EACCES', 'EISDIR')) return undefined
    throw error
  }
}

export async function keepIndex(volume: VolumeFile, entries: readonly ScannedEntry[]): Promise<void> {
  const kept: KeptIndex = {
    version: 1,
    size: volume.size,
    modifiedMs: volume.modifiedMs,
    entries: entries.map(({ name, offset, size }) => [name, offset, size]),
  }
  try {
    await writeFileAtomic(pathOf(volume), JSON.stringify(kept))
  } catch (error) {
    // Read-only media, a full disk, somebody else's directory: the next start makes the pass again.
    if (!hasCode(error, 'DISK_FAILED')) throw error
  }
}

function pathOf({ path, name }: VolumeFile): string {
  return join(dirname(path), '.airlift', `headers-${name.replace(/^mirror_/, '').replace(/\.tar$/, '')}.json`)
}

function isKeptIndex(value: unknown): value is KeptIndex {
  if (value === null || typeof value !== 'object') return false
  const { version, entries } = value as Partial<Record<keyof KeptIndex, unknown>>
  return version === 1 && Array.isArray(entries) && entries.every(isRow)
}

function isRow(row: unknown): boolean {
  if (!Array.isArray(row) || row.length !== 3) return false
  const [name, offset, size] = row as readonly unknown[]
  return typeof name === 'string' && Number.isSafeInteger(offset) && Number.isSafeInteger(size)
}
