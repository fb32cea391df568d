/**
 * The files of an archive that is not finished, below `.airlift`: volumes, the
 * journal, the lock, and what runs of other plans left.
 */
import { mkdirSync, readdirSync, renameSync, rmdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { isSystemError } from '../base/errors.ts'
import type { Digest } from '../oci/digest.ts'
import { readJournal } from './journal.ts'
import type { JournalState } from './journal.ts'
import { bootId } from './machine.ts'

/** A block of `stat`, whatever blocks the file system has. */
const STAT_BLOCK_BYTES = 512

export interface UnfinishedPaths {
  readonly folder: string
  readonly journal: string
  readonly lock: string
  /** One directory for each plan that was given up. */
  readonly earlier: string
}

export function unfinishedPaths(root: string): UnfinishedPaths {
  const folder = join(root, '.airlift')
  return { folder, journal: join(folder, 'journal'), lock: join(folder, 'lock'), earlier: join(folder, 'earlier') }
}

/** `000001.part`: no name of an unfinished file contains what `oc-mirror` takes for a volume. */
export function partPath(folder: string, volume: number): string {
  return join(folder, `${String(volume).padStart(6, '0')}.part`)
}

/** The plan that a run which was stopped was for; `undefined` where there is none to go on with. */
export function unfinishedPlan(root: string): Digest | undefined {
  return readJournal(unfinishedPaths(root).journal, { boot: bootId() })?.plan
}

/** What a run of another plan left. */
export interface EarlierRun {
  readonly folder: string
  readonly journal: JournalState
}

/** Puts what there is aside, volumes before the journal: a kill in between loses no journal that has volumes. */
export function putAside({ folder, journal, earlier }: UnfinishedPaths): void {
  const aside = join(earlier, String(entriesOf(earlier).length + 1).padStart(6, '0'))
  mkdirSync(aside, { recursive: true })
  const parts = entriesOf(folder).filter((name) => name.endsWith('.part'))
  for (const name of parts) renameSync(join(folder, name), join(aside, name))
  renameSync(journal, join(aside, 'journal'))
}

/** The newest first. */
export function earlierRuns({ earlier }: UnfinishedPaths): readonly EarlierRun[] {
  return entriesOf(earlier)
    .toSorted()
    .toReversed()
    .flatMap((name) => {
      const folder = join(earlier, name)
      const journal = readJournal(join(folder, 'journal'), { boot: bootId() })
      return journal === undefined ? [] : [{ folder, journal }]
    })
}

export function forgetEarlierRuns({ earlier }: UnfinishedPaths): void {
  rmSync(earlier, { recursive: true, force: true })
}

/** Takes away unfinished volumes of which nothing is known. */
export function removeParts({ folder }: UnfinishedPaths, keep: ReadonlySet<string>): void {
  for (const name of entriesOf(folder)) {
    const path = join(folder, name)
    if (name.endsWith('.part') && !keep.has(path)) rmSync(path, { force: true })
  }
}

/** Takes the directory away, if nothing of others is in it. */
export function removeFolder({ folder }: UnfinishedPaths): void {
  try {
    rmdirSync(folder)
  } catch (error) {
    if (!isSystemError(error, 'ENOTEMPTY', 'EEXIST', 'ENOENT', 'EBUSY')) throw error
  }
}

/** Bytes that a file takes on its disk; 0 where there is none. */
export function allocatedBytes(path: string): number {
  return (statSync(path, { throwIfNoEntry: false })?.blocks ?? 0) * STAT_BLOCK_BYTES
}

export function entriesOf(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return []
    throw error
  }
}
