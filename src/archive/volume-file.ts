/**
 * One volume, open for reading at any position.
 *
 * Its descriptor stays open as long as the archive: a volume that is renamed or
 * replaced meanwhile is still the one that was checked.
 */
import { constants, createReadStream, readSync } from 'node:fs'
import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { basename } from 'node:path'
import { Readable } from 'node:stream'
import { AirliftError } from '../base/errors.ts'

const NAME = /^mirror_(?<number>\d{6})\.tar$/

/** The number in a volume's name; `undefined` for all that is none. */
export function volumeNumber(name: string): number | undefined {
  const digits = NAME.exec(name)?.groups?.['number']
  return digits === undefined ? undefined : Number(digits)
}

export class VolumeFile implements AsyncDisposable {
  readonly path: string
  readonly name: string
  /** Bytes when it was opened. */
  readonly size: number
  readonly modifiedMs: number
  readonly #handle: FileHandle

  private constructor(path: string, handle: FileHandle, stats: { readonly size: number; readonly mtimeMs: number }) {
    this.path = path
    this.name = basename(path)
    this.size = stats.size
    this.modifiedMs = stats.mtimeMs
    this.#handle = handle
  }

  /** @throws {AirliftError} `DISK_FAILED`, or `ARCHIVE_INVALID` where it is no regular file. */
  static async open(path: string): Promise<VolumeFile> {
    try {
      // Without O_NONBLOCK, opening a pipe waits for a writer.
      const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
      const stats = await handle.stat()
      if (stats.isFile()) return new VolumeFile(path, handle, stats)
      await handle.close()
    } catch (error) {
      throw new AirliftError('DISK_FAILED', `cannot read the volume ${path}`, { cause: error })
    }
    throw new AirliftError('ARCHIVE_INVALID', `${path} is not a regular file`)
  }

  /** Of the whole process: another thread may read from it while this is open. */
  get descriptor(): number {
    return this.#handle.fd
  }

  /**
   * Bytes from `position` into `slab`; fewer only at the end of the file.
   * Reads on the calling thread: from the page cache that costs less than another thread.
   */
  read(slab: Uint8Array, position: number): number {
    try {
      let filled = 0
      while (filled < slab.length) {
        const count = readSync(this.#handle.fd, slab, filled, slab.length - filled, position + filled)
        if (count === 0) break
        filled += count
      }
      return filled
    } catch (error) {
      throw new AirliftError('DISK_FAILED', `cannot read the volume ${this.path} at ${position}`, { cause: error })
    }
  }

  /** @throws {AirliftError} `ARCHIVE_INCOMPLETE` where the file ends before. */
  readExactly(position: number, size: number): Buffer {
    const bytes = Buffer.allocUnsafe(size)
    if (this.read(bytes, position) === size) return bytes
    throw new AirliftError('ARCHIVE_INCOMPLETE', `${this.path} became shorter while it was read`)
  }

  stream(start: number, size: number): Readable {
    if (size === 0) return Readable.from([])
    return createReadStream(this.path, {
      fd: this.#handle.fd,
      autoClose: false,
      start,
      end: start + size - 1,
      highWaterMark: 256 * 1024,
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close()
  }
}
