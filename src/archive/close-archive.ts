/**
 * Closes an archive: what failed images lack becomes void, each volume gets its
 * index and, once all of them are on the disk, its name.
 */
import { renameSync, rmSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { isSystemError } from '../base/errors.ts'
import type { ArchiveContent, VolumeLayout } from './archive-types.ts'
import type { ClosedArchive, CloseOptions } from './archive-writer.ts'
import { INDEX_NAME } from './entry-names.ts'
import { encodeIndex, stateOf, volumeIndex } from './index-format.ts'
import type { Losses } from './index-format.ts'
import type { Journal } from './journal.ts'
import type { UnfinishedArchive } from './resume-archive.ts'
import { partPath } from './unfinished.ts'
import { sealVolume } from './volume-writer.ts'

export interface ClosingArchive extends UnfinishedArchive {
  readonly content: ArchiveContent
  readonly journal: Journal
}

export async function closeArchive(
  archive: ClosingArchive,
  { failedImages, record, signal }: CloseOptions,
): Promise<ClosedArchive> {
  const { table, content, layout, paths, root } = archive
  table.throwIfFailed()
  const digests = [...table.digests()]
  const whole = new Set(digests.filter((digest) => table.isWhole(digest)))
  const losses: Losses = { blobs: new Set(digests).difference(whole), images: failedImages }
  checkLosses(content, losses)
  if (content.images.length > 0 && content.images.every(({ id }) => failedImages.has(id))) {
    return { volumes: [], whole: new Set(), lacking: new Set(digests) }
  }

  // A volume in which nothing is would be carried for nothing.
  const volumes = layout.volumes.filter(({ entries }) =>
    entries.some((entry) => entry.source.kind !== 'index' && stateOf(entry, losses) === 'whole'),
  )
  try {
    for (const volume of volumes) {
      signal.throwIfAborted()
      await seal(archive, { volume, volumes, losses })
    }
    for (const { number, name } of volumes) renameSync(partPath(paths.folder, number), join(root, name))
    await syncDirectory(root)
  } catch (error) {
    throw signal.aborted ? error : table.diskFailed(error)
  }
  const closed: ClosedArchive = {
    volumes: volumes.map(({ name, number, size }) => ({ path: join(root, name), number, size })),
    whole,
    lacking: losses.blobs,
  }
  await record?.(closed)
  for (const { number } of layout.volumes) rmSync(partPath(paths.folder, number), { force: true })
  rmSync(paths.journal, { force: true })
  return closed
}

/** An image of which something lacks has failed: anything else would be an omission that nobody is told of. */
function checkLosses({ blobs }: ArchiveContent, { blobs: lacking, images: failed }: Losses): void {
  for (const { digest, images } of blobs) {
    const unaware = lacking.has(digest) ? images.find((id) => !failed.has(id)) : undefined
    if (unaware !== undefined) throw new Error(`${unaware} lacks ${digest}, and is not said to have failed`)
  }
}

interface Sealing {
  readonly volume: VolumeLayout
  readonly volumes: readonly VolumeLayout[]
  readonly losses: Losses
}

async function seal(archive: ClosingArchive, { volume, volumes, losses }: Sealing): Promise<void> {
  const { content, layout, mtime, journal, paths } = archive
  const size = volume.entries.find(({ name }) => name === INDEX_NAME)?.size ?? 0
  const index = encodeIndex(volumeIndex(content, { ...layout, volumes }, { volume, losses }), size)
  const isVoid = (entry: VolumeLayout['entries'][number]): boolean => stateOf(entry, losses) === 'void'
  const digest = await sealVolume(partPath(paths.folder, volume.number), volume, { mtime, isVoid, index })
  journal.sealed({ number: volume.number, index: digest })
}

/** So that a power cut after the run cannot take the names away; some file systems do not do this, and need not. */
async function syncDirectory(path: string): Promise<void> {
  await using directory = await open(path, 'r')
  try {
    await directory.sync()
  } catch (error) {
    if (!isSystemError(error, 'EINVAL', 'ENOTSUP', 'EPERM')) throw error
  }
}
