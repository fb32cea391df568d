/**
 * Fills a blob's slot: writes in order on the calling thread, where a write to
 * the page cache costs less than handing it to another thread and back.
 *
 * What an earlier attempt left is hashed again before it is built upon.
 */
import { createHash } from 'node:crypto'
import type { Hash } from 'node:crypto'
import { closeSync, openSync, readSync, writeSync } from 'node:fs'
import { setImmediate as yieldToOthers } from 'node:timers/promises'
import { digestAlgorithm } from '../oci/digest.ts'
import type { BlobSlot, BlobSlots } from './blob-slots.ts'
import type { CallOptions } from './ports.ts'
import type { Expected } from './verify-stream.ts'

const READ_BYTES = 1024 * 1024

export interface HashedPrefix {
  readonly hash: Hash
  readonly received: number
}

export class SlotFile implements Disposable {
  readonly #content: Expected
  readonly #slot: BlobSlot
  readonly #slots: Pick<BlobSlots, 'reached' | 'diskFailed'>
  readonly #fd: number
  #received: number

  /** @throws {AirliftError} what {@link BlobSlots.diskFailed} makes of the system's refusal. */
  constructor(content: Expected, slot: BlobSlot, slots: Pick<BlobSlots, 'reached' | 'diskFailed'>) {
    this.#content = content
    this.#slot = slot
    this.#slots = slots
    this.#received = Math.min(slot.received, content.size)
    this.#fd = this.#onDisk(() => openSync(slot.path, 'r+'))
  }

  /** Bytes in the file, from the blob's first on. */
  get received(): number {
    return this.#received
  }

  /** Appends to what is there. */
  write(bytes: Uint8Array): void {
    const position = this.#slot.offset + this.#received
    if (this.#received + bytes.length > this.#content.size) throw new Error(`${this.#content.digest} outgrew its slot`)
    for (let done = 0; done < bytes.length;) {
      done += this.#onDisk(() => writeSync(this.#fd, bytes, done, bytes.length - done, position + done))
    }
    this.#received += bytes.length
    this.#slots.reached(this.#content.digest, this.#received)
  }

  /** What is there counts no more: the next write is the blob's first byte. */
  restart(): void {
    if (this.#received === 0) return
    this.#received = 0
    this.#slots.reached(this.#content.digest, 0)
  }

  /** The state of a hash over what is there. */
  async hashed({ signal }: CallOptions): Promise<HashedPrefix> {
    const hash = createHash(digestAlgorithm(this.#content.digest))
    const slab = Buffer.allocUnsafeSlow(Math.min(READ_BYTES, this.#received))
    for (let at = 0; at < this.#received;) {
      const wanted = Math.min(slab.length, this.#received - at)
      const length = this.#onDisk(() => readSync(this.#fd, slab, 0, wanted, this.#slot.offset + at))
      // Somebody made the file shorter: what lacks is fetched.
      if (length === 0) this.#received = at
      hash.update(slab.subarray(0, length))
      at += length
      await yieldToOthers(undefined, { signal }).catch(() => signal.throwIfAborted())
    }
    return { hash, received: this.#received }
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd)
  }

  #onDisk<T>(work: () => T): T {
    try {
      return work()
    } catch (error) {
      throw this.#slots.diskFailed(error)
    }
  }
}
