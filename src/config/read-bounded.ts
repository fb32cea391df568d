/**
 * Reading a client configuration file whole, and no more of it than it may have.
 *
 * Works for pipes too, so that a file can be a process substitution of the shell.
 */
import { open } from 'node:fs/promises'
import { isSystemError } from '../base/errors.ts'

/** Far above any real configuration file, in bytes. */
const MAX_SIZE = 8 * 1024 * 1024

export interface ReadOptions {
  readonly signal: AbortSignal
}

/** @throws the system error as it is, or an `Error` for a file larger than 8 MiB. */
export async function readBounded(path: string, { signal }: ReadOptions): Promise<Buffer> {
  await using file = await open(path, 'r')
  signal.throwIfAborted()
  const chunks: Buffer[] = []
  let size = 0
  const stream = file.createReadStream({ highWaterMark: 64 * 1024, autoClose: false, signal })
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > MAX_SIZE) throw new Error(`${path} is larger than ${MAX_SIZE} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** As {@link readBounded}; `undefined` where there is no such file. */
export async function readIfPresent(path: string, options: ReadOptions): Promise<Buffer | undefined> {
  try {
    return await readBounded(path, options)
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return undefined
    throw error
  }
}
