/**
 * Takes over blobs that runs of other plans fetched: what is whole there is hashed
 * on its way, what was begun goes on here.
 *
 * Copied, not moved, so that a kill loses none of them.
 */
import { createHash } from 'node:crypto'
import { closeSync, openSync, readSync } from 'node:fs'
import { setImmediate as yieldToOthers } from 'node:timers/promises'
import { isSystemError } from '../base/errors.ts'
import type { CallOptions } from '../content/ports.ts'
import { SlotFile } from '../content/slot-file.ts'
import { digestAlgorithm } from '../oci/digest.ts'
import type { JournalBlob } from './journal.ts'
import type { SlotTable } from './slot-table.ts'
import type { EarlierRun } from './unfinished.ts'
import { partPath } from './unfinished.ts'

const COPY_BYTES = 1024 * 1024

/** Blobs of `run` that the table has a place for, and has not. */
export async function reuseBlobs(run: EarlierRun, table: SlotTable, { signal }: CallOptions): Promise<void> {
  for (const blob of run.journal.blobs.values()) {
    const place = table.place(blob.digest)
    if (place === undefined || place.size !== blob.size || place.received >= blob.received) continue
    await copyBlob(partPath(run.folder, blob.volume), blob, { table, signal })
  }
}

/** What cannot be read, or is not what it should be, is fetched. */
async function copyBlob(
  from: string,
  blob: JournalBlob,
  { table, signal }: CallOptions & { readonly table: SlotTable },
): Promise<void> {
  const slot = table.slot(blob)
  const fd = openIfThere(from)
  if (fd === undefined || slot === undefined) return
  try {
    using file = new SlotFile(blob, slot, table)
    file.restart()
    const hash = createHash(digestAlgorithm(blob.digest))
    const slab = Buffer.allocUnsafeSlow(Math.min(COPY_BYTES, blob.received))
    while (file.received < blob.received) {
      const wanted = Math.min(slab.length, blob.received - file.received)
      const length = readSync(fd, slab, 0, wanted, blob.offset + file.received)
      if (length === 0) break
      hash.update(slab.subarray(0, length))
      file.write(slab.subarray(0, length))
      await yieldToOthers(undefined, { signal }).catch(() => signal.throwIfAborted())
    }
    if (!blob.isWhole) return
    const actual = `${digestAlgorithm(blob.digest)}:${hash.digest('hex')}`
    if (actual === blob.digest) table.completed(blob.digest)
    else file.restart()
  } finally {
    closeSync(fd)
  }
}

function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, 'r')
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return undefined
    throw error
  }
}
