/**
 * Room on a disk for blobs whose places are known before they come.
 *
 * A slot is plain data: whoever fills it, in this thread or another, opens the
 * file by itself, and tells how far it got.
 */
import type { AirliftError } from '../base/errors.ts'
import type { Digest } from '../oci/digest.ts'
import type { Expected } from './verify-stream.ts'

export interface BlobSlot {
  readonly path: string
  /** Of the blob's first byte, from the start of the file. */
  readonly offset: number
  /** Bytes that an earlier attempt left there. They are unverified: hash them again, or write from the start. */
  readonly received: number
}

export interface BlobSlots {
  /** Where to write the blob; `undefined` where all of it is there already. */
  slot(content: Expected): BlobSlot | undefined
  /** The first `received` bytes are in the file; fewer than before where an attempt starts over. */
  reached(digest: Digest, received: number): void
  /** All of it is in the file, and verified. */
  completed(digest: Digest): void
  /** The disk failed: nothing more can be written, and the error says what to do. */
  diskFailed(error: unknown): AirliftError
}
