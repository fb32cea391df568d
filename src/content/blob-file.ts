/**
 * One blob in a file of its own: its size, reads at any position, and a stream.
 */
import { readSync } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { AirliftError, isSystemError } from '../base/errors.ts'
import type { Digest } from '../oci/digest.ts'
import type { BlobReader } from './blob-store.ts'

/** `undefined` where there is no such file. */
export async function fileSize(path: string): Promise<number | undefined> {
  try {
    const stats = await stat(path)
    return stats.isFile() ? stats.size : undefined
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return undefined
    throw error
  }
}

/**
 * Reads on the calling thread: from the page cache that costs less than handing
 * the read to another thread and back.
 */
export async function openBlobFile(path: string): Promise<BlobReader | undefined> {
  const size = await fileSize(path)
  if (size === undefined) return undefined
  const file = await open(path, 'r')
  return {
    size,
    read: (slab, position) => readSync(file.fd, slab, 0, slab.length, position),
    [Symbol.asyncDispose]: () => file.close(),
  }
}

/** @throws {AirliftError} `BLOB_UNKNOWN` where there is no such file. */
export async function streamBlobFile(path: string, digest: Digest, offset: number): Promise<Readable> {
  const size = await fileSize(path)
  if (size === undefined) throw new AirliftError('BLOB_UNKNOWN', `blob ${digest} is not there`)
  const file = await open(path, 'r')
  return file.createReadStream({ start: offset, highWaterMark: 256 * 1024 })
}
