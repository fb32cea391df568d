/**
 * Small files that appear whole: written and synced under a temporary name in one
 * `ingest` directory, then renamed.
 *
 * The bytes are on the disk before the name is, and journalling file systems keep
 * the order of renames: a power cut cannot keep a manifest and lose the earlier
 * links and blobs that it needs.
 */
import { randomUUID } from 'node:crypto'
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { isSystemError } from '../base/errors.ts'
import { isDigest } from '../oci/digest.ts'
import type { Digest } from '../oci/digest.ts'

export async function placeFile(ingest: string, target: string, data: string | Uint8Array): Promise<void> {
  const partial = join(ingest, randomUUID())
  try {
    await writeSynced(ingest, partial, data)
    await renameInto(partial, target)
  } catch (error) {
    await rm(partial, { force: true })
    throw error
  }
}

/** Renames, making the directory of `target`; also where a deletion takes that directory away in between. */
export async function renameInto(partial: string, target: string): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    await mkdir(dirname(target), { recursive: true })
    try {
      return await rename(partial, target)
    } catch (error) {
      if (attempt === 3 || !isSystemError(error, 'ENOENT')) throw error
    }
  }
}

/** A link file has a digest as its only content. Anything else is no link: an interrupted write of another program. */
export async function readLink(path: string): Promise<Digest | undefined> {
  try {
    const text = (await readFile(path, 'latin1')).trim()
    return isDigest(text) ? text : undefined
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return undefined
    throw error
  }
}

async function writeSynced(folder: string, path: string, data: string | Uint8Array): Promise<void> {
  await mkdir(folder, { recursive: true })
  await using file = await open(path, 'wx')
  await file.writeFile(data)
  await file.datasync()
}
