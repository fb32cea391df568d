/**
 * Prepares the volumes of an archive, and takes over what earlier runs left: of
 * the same plan in place, of other plans by copying.
 */
import { existsSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { AirliftError } from '../base/errors.ts'
import type { CallOptions } from '../content/ports.ts'
import { SlotFile } from '../content/slot-file.ts'
import { digestAlgorithm } from '../oci/digest.ts'
import type { Digest } from '../oci/digest.ts'
import type { ArchiveLayout, VolumeLayout } from './archive-types.ts'
import { checkFreeSpace, freeBytes } from './free-space.ts'
import { readJournal } from './journal.ts'
import type { Journal, JournalBlob, SealedVolume } from './journal.ts'
import { bootId } from './machine.ts'
import { reuseBlobs } from './reuse-blobs.ts'
import type { SlotTable } from './slot-table.ts'
import {
  allocatedBytes,
  earlierRuns,
  entriesOf,
  forgetEarlierRuns,
  partPath,
  putAside,
  removeParts,
} from './unfinished.ts'
import type { EarlierRun, UnfinishedPaths } from './unfinished.ts'
import { indexDigestIn, isPrepared, prepareVolume } from './volume-writer.ts'

export interface UnfinishedArchive extends CallOptions {
  readonly root: string
  readonly paths: UnfinishedPaths
  readonly layout: ArchiveLayout
  /** Of every header: seconds since 1970. */
  readonly mtime: number
  readonly table: SlotTable
  readonly planDigest: Digest
}

/**
 * @param openJournal called once it is known what the journal of this run has to say.
 * @throws {AirliftError} `VOLUME_EXISTS`, `DISK_FULL`, and what the journal or the disk throw.
 */
export async function resumeArchive(archive: UnfinishedArchive, openJournal: () => Journal): Promise<Journal> {
  const { root, paths, layout, mtime, table, planDigest, signal } = archive
  const last = readJournal(paths.journal, { boot: bootId() })
  const isSamePlan = last?.plan === planDigest
  if (isSamePlan) for (const volume of layout.volumes) takeNameBack(archive, volume, last.sealed)
  for (const { name } of layout.volumes) if (existsSync(join(root, name))) throw volumeExists(root, name)
  if (last !== undefined && !isSamePlan) putAside(paths)

  const kept = new Set(isSamePlan ? layout.volumes.filter((volume) => isPrepared(part(archive, volume), volume)) : [])
  removeParts(paths, new Set([...kept].map((volume) => part(archive, volume))))
  const reusable = makeRoom(archive)

  const blobs = isSamePlan ? [...last.blobs.values()] : []
  const keptNumbers = new Set([...kept].map(({ number }) => number))
  const journal = openJournal()
  table.noteIn(journal)
  // Before new volumes take the place of those that are lost: what the journal said of them must not count for these.
  for (const blob of blobs) if (!keptNumbers.has(blob.volume)) journal.received(blob.digest, blob, 0)
  for (const volume of layout.volumes) {
    signal.throwIfAborted()
    prepareVolume(part(archive, volume), volume, { mtime, keep: kept.has(volume) })
  }
  for (const blob of blobs) if (keptNumbers.has(blob.volume)) await restore(blob, archive)
  for (const run of reusable) await reuseBlobs(run, table, { signal })
  forgetEarlierRuns(paths)
  return journal
}

/** A run that was killed while it gave names had not told anybody of them. */
function takeNameBack(archive: UnfinishedArchive, volume: VolumeLayout, sealed: readonly SealedVolume[]): void {
  const seal = sealed.find(({ number }) => number === volume.number)
  const named = join(archive.root, volume.name)
  if (seal === undefined || existsSync(part(archive, volume))) return
  if (indexDigestIn(named, volume) === seal.index) renameSync(named, part(archive, volume))
}

function volumeExists(root: string, name: string): AirliftError {
  return new AirliftError('VOLUME_EXISTS', `${join(root, name)} is there already, and this run would write one`, {
    hint: 'carry the volumes in that directory away, or name another one',
  })
}

/**
 * Checks that the volumes fit. Where they only fit without what other plans left, that is given up: fetching again is
 * better than not being able to.
 *
 * @returns what can be reused.
 */
function makeRoom(archive: UnfinishedArchive): readonly EarlierRun[] {
  const { root, paths, layout } = archive
  const wanted = layout.volumes.reduce(
    (sum, volume) => sum + Math.max(0, volume.size - allocatedBytes(part(archive, volume))),
    0,
  )
  const earlier = earlierRuns(paths)
  const inEarlier = earlier
    .flatMap(({ folder }) => entriesOf(folder).map((name) => allocatedBytes(join(folder, name))))
    .reduce((sum, bytes) => sum + bytes, 0)
  const free = freeBytes(root)
  if (wanted > free && wanted <= free + inEarlier) {
    forgetEarlierRuns(paths)
    return []
  }
  checkFreeSpace(root, wanted)
  return earlier
}

/** What was written before the machine went down may not have reached the disk: it is hashed again. */
async function restore(blob: JournalBlob, { table, signal }: UnfinishedArchive): Promise<void> {
  if (blob.isSure || !blob.isWhole) return table.restore(blob)
  table.restore({ ...blob, isWhole: false })
  const slot = table.place(blob.digest)
  if (slot === undefined || slot.received !== blob.size) return
  using file = new SlotFile(blob, slot, table)
  const { hash } = await file.hashed({ signal })
  if (`${digestAlgorithm(blob.digest)}:${hash.digest('hex')}` === blob.digest) table.completed(blob.digest)
  else file.restart()
}

function part({ paths }: UnfinishedArchive, { number }: VolumeLayout): string {
  return partPath(paths.folder, number)
}
