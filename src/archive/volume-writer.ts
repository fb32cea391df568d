/**
 * Writes what is known of a volume before its blobs come, and what is known only
 * when all have come or failed. Blobs are written by others, between the two.
 *
 * A volume that is not finished is a sparse file of its final size: blobs go to
 * their places in any order, and what is never written reads as zeros.
 */
import { closeSync, ftruncateSync, openSync, readSync, rmSync, statSync, writeSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { AirliftError } from '../base/errors.ts'
import { digestOf } from '../oci/digest.ts'
import type { Digest } from '../oci/digest.ts'
import type { PlacedEntry, VolumeLayout } from './archive-types.ts'
import { INDEX_DIGEST_NAME, INDEX_NAME, voidName } from './entry-names.ts'
import { paddedSize, tarHeader } from './tar-header.ts'

/** Bytes of small entries that are written at once. */
const BATCH_BYTES = 1024 * 1024

/** Whether a file of the volume's size is there, to be gone on with. */
export function isPrepared(path: string, { size }: VolumeLayout): boolean {
  return statSync(path, { throwIfNoEntry: false })?.size === size
}

export interface PrepareOptions {
  /** Of every header: seconds since 1970. */
  readonly mtime: number
  /** What blobs have left in the file stays. */
  readonly keep: boolean
}

/** Reserves the volume and writes its headers, links and files. */
export function prepareVolume(path: string, volume: VolumeLayout, { mtime, keep }: PrepareOptions): void {
  if (!keep) rmSync(path, { force: true })
  using file = openFile(path, keep ? 'r+' : 'wx+')
  if (!keep) ftruncateSync(file.fd, volume.size)
  const batch = new Batch(file.fd)
  for (const entry of volume.entries) {
    const header = tarHeader({ name: entry.name, size: entry.size, mtime })
    if (header.length !== entry.offset - entry.headerOffset) throw new Error(`the header of ${entry.name} has no room`)
    batch.add(entry.headerOffset, header)
    if (entry.source.kind === 'file') batch.add(entry.offset, padded(entry.source.file.bytes))
  }
  batch.flush()
}

export interface SealOptions {
  readonly mtime: number
  readonly isVoid: (entry: PlacedEntry) => boolean
  /** Of the size that the layout keeps for it. */
  readonly index: Uint8Array
}

/**
 * Makes entries void, writes the index, and waits until all of the volume is on the disk.
 *
 * @returns the index's digest.
 */
export async function sealVolume(
  path: string,
  volume: VolumeLayout,
  { mtime, isVoid, index }: SealOptions,
): Promise<Digest> {
  await using file = await open(path, 'r+')
  if ((await file.stat()).size !== volume.size) throw sizeChanged(path)
  const batch = new Batch(file.fd)
  const indexed = volume.entries.filter(({ source }) => source.kind !== 'index')
  for (const [position, entry] of indexed.entries()) {
    if (!isVoid(entry)) continue
    const { size, headerOffset, offset } = entry
    batch.add(headerOffset, tarHeader({ name: voidName(position), size, mtime }, { length: offset - headerOffset }))
  }
  const digest = digestOf(index)
  for (const { name, offset } of volume.entries) {
    if (name === INDEX_NAME) batch.add(offset, index)
    if (name === INDEX_DIGEST_NAME) batch.add(offset, Buffer.from(digest))
  }
  batch.flush()
  // May take minutes, so not on this thread.
  await file.datasync()
  return digest
}

/** The digest that a volume says its index has; `undefined` where there is no such file. */
export function indexDigestIn(path: string, volume: VolumeLayout): string | undefined {
  const entry = volume.entries.find(({ name }) => name === INDEX_DIGEST_NAME)
  if (entry === undefined || !isPrepared(path, volume)) return undefined
  using file = openFile(path, 'r')
  const bytes = Buffer.alloc(entry.size)
  readSync(file.fd, bytes, 0, bytes.length, entry.offset)
  return bytes.toString('latin1')
}

function sizeChanged(path: string): AirliftError {
  return new AirliftError('DISK_FAILED', `somebody changed the size of ${path} while it was written`, {
    hint: 'run again: what was lost is fetched again',
  })
}

function openFile(path: string, flags: string): Disposable & { readonly fd: number } {
  const fd = openSync(path, flags)
  return { fd, [Symbol.dispose]: () => closeSync(fd) }
}

/** Content with the zeros that fill its last block. */
function padded(bytes: Uint8Array): Uint8Array {
  const whole = Buffer.alloc(paddedSize(bytes.length))
  whole.set(bytes)
  return whole
}

/** Joins pieces that touch, so that thousands of links are a few writes. */
class Batch {
  readonly #fd: number
  #pieces: Uint8Array[] = []
  #start = 0
  #length = 0

  constructor(fd: number) {
    this.#fd = fd
  }

  add(position: number, bytes: Uint8Array): void {
    if (position !== this.#start + this.#length || this.#length >= BATCH_BYTES) {
      this.flush()
      this.#start = position
    }
    this.#pieces.push(bytes)
    this.#length += bytes.length
  }

  flush(): void {
    const bytes = Buffer.concat(this.#pieces)
    for (let done = 0; done < bytes.length;) {
      done += writeSync(this.#fd, bytes, done, bytes.length - done, this.#start + done)
    }
    this.#pieces = []
    this.#length = 0
  }
}
