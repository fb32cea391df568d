/**
 * Takes a blob's bytes as they come, hashes them while they are hot, and passes
 * them on in big pieces whose memory comes back.
 *
 * The last piece is held until size and digest are known to be right, so a bad
 * blob is never completed at its target, whatever that target checks.
 */
import { createHash } from 'node:crypto'
import type { Hash } from 'node:crypto'
import type { Expected } from '../../content/verify-stream.ts'
import { digestAlgorithm } from '../../oci/digest.ts'
import type { BodySink } from './connection.ts'

/** Where pieces go: `done` gives the memory back. */
export interface PieceSink {
  write(bytes: Uint8Array, done: () => void): void
  end(): void
}

export type RelayEnd = { readonly kind: 'passed' } | { readonly kind: 'wrong-digest'; readonly actual: string }

/** Tuned on two cores, Node 24: 64 KiB to 512 KiB read and write alike. */
const SLAB_BYTES = 256 * 1024
/** A read into less room than this costs more than the room is worth. */
const LEAST_ROOM = 64 * 1024
/** Pieces on their way before the source is asked to pause. */
const IN_FLIGHT = 3
/** Slabs kept for the next blob: 16 MiB. */
const POOL_LIMIT = 64

/** Memory that blobs use one after the other: what the collector need not see. */
export class SlabPool {
  readonly #free: Buffer[] = []

  /** At least `wanted` bytes, or a whole slab. */
  take(wanted: number): Buffer {
    if (wanted + LEAST_ROOM < SLAB_BYTES) return Buffer.allocUnsafeSlow(wanted + LEAST_ROOM)
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(SLAB_BYTES)
  }

  /** Only what no socket reads or writes any more. */
  give(slab: Buffer): void {
    if (slab.length === SLAB_BYTES && this.#free.length < POOL_LIMIT) this.#free.push(slab)
  }
}

export interface SlabRelayOptions {
  /** What has arrived earlier, hashed. */
  readonly start?: { readonly hash: Hash; readonly received: number }
  readonly slabs: SlabPool
  readonly onResume: () => void
  readonly onProgress: (received: number) => void
}

export class SlabRelay implements BodySink {
  /** Bytes received in order, all of them hashed. */
  received: number
  /** What became of the blob, once all of it has come. */
  end: RelayEnd | undefined
  readonly #expected: Expected
  readonly #target: PieceSink
  readonly #options: SlabRelayOptions
  readonly #hash: Hash
  #slab: Buffer
  #filled = 0
  #inFlight = 0
  #paused = false

  constructor(expected: Expected, target: PieceSink, options: SlabRelayOptions) {
    this.#expected = expected
    this.#target = target
    this.#options = options
    this.received = options.start?.received ?? 0
    this.#hash = options.start?.hash ?? createHash(digestAlgorithm(expected.digest))
    this.#slab = options.slabs.take(expected.size - this.received)
    if (this.received === expected.size) this.#finish()
  }

  room(): Uint8Array {
    return this.#slab.subarray(this.#filled)
  }

  filled(length: number): boolean {
    const end = this.#filled + length
    this.#hash.update(this.#slab.subarray(this.#filled, end))
    this.#filled = end
    this.received += length
    this.#options.onProgress(this.received)
    if (this.received >= this.#expected.size) this.#finish()
    else if (this.#slab.length - end < LEAST_ROOM) this.#send()
    this.#paused = this.end === undefined && this.#inFlight >= IN_FLIGHT
    return !this.#paused
  }

  #finish(): void {
    const algorithm = digestAlgorithm(this.#expected.digest)
    const actual = `${algorithm}:${this.#hash.digest('hex')}`
    if (actual !== this.#expected.digest) {
      this.end = { kind: 'wrong-digest', actual }
      return
    }
    this.end = { kind: 'passed' }
    if (this.#filled > 0) this.#send()
    this.#target.end()
  }

  #send(): void {
    const slab = this.#slab
    this.#inFlight += 1
    this.#target.write(slab.subarray(0, this.#filled), () => this.#takeBack(slab))
    if (this.end !== undefined) return
    // A source over TLS has more to give after it was asked to pause, so there always is room.
    this.#slab = this.#options.slabs.take(this.#expected.size - this.received)
    this.#filled = 0
  }

  #takeBack(slab: Buffer): void {
    this.#inFlight -= 1
    this.#options.slabs.give(slab)
    if (!this.#paused || this.#inFlight >= IN_FLIGHT) return
    this.#paused = false
    this.#options.onResume()
  }
}
