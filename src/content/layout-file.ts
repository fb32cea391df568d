/**
 * Files of a directory that somebody else made.
 *
 * A name leads to a regular file inside the directory or is refused: links may
 * point elsewhere within it, never out of it, and a pipe or device is not opened
 * for its content.
 */
import { constants } from 'node:fs'
import { open, realpath } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { AirliftError, isAirliftError, isSystemError } from '../base/errors.ts'

export interface LayoutFile {
  /** The caller closes it. */
  readonly handle: FileHandle
  readonly size: number
}

/**
 * `root` is a real path.
 *
 * @returns `undefined` where there is no such file.
 * @throws {AirliftError} `LAYOUT_INVALID`.
 */
export async function openLayoutFile(root: string, name: string): Promise<LayoutFile | undefined> {
  try {
    const path = await realpath(join(root, name))
    if (!path.startsWith(root.endsWith(sep) ? root : root + sep)) {
      throw new AirliftError('LAYOUT_INVALID', `${name} in ${root} is a link to outside the layout`)
    }
    return await openRegular(path)
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return undefined
    if (isAirliftError(error)) throw error
    throw new AirliftError('LAYOUT_INVALID', `cannot read ${name} in ${root}`, { cause: error })
  }
}

/** @throws {AirliftError} `LAYOUT_INVALID` where it has more than `maxBytes`. */
export async function readLayoutFile(root: string, name: string, maxBytes: number): Promise<Buffer | undefined> {
  const file = await openLayoutFile(root, name)
  if (file === undefined) return undefined
  await using handle = file.handle
  if (file.size > maxBytes) {
    throw new AirliftError('LAYOUT_INVALID', `${name} in ${root} has ${file.size} bytes, more than ${maxBytes}`)
  }
  const bytes = Buffer.alloc(file.size)
  const { bytesRead } = await handle.read(bytes, 0, bytes.length, 0)
  return bytes.subarray(0, bytesRead)
}

async function openRegular(path: string): Promise<LayoutFile> {
  // Without O_NONBLOCK, opening a pipe waits for a writer.
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  const stats = await handle.stat()
  if (stats.isFile()) return { handle, size: stats.size }
  await handle.close()
  throw new AirliftError('LAYOUT_INVALID', `${path} is not a regular file`)
}
