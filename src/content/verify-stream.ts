/**
 * Passes bytes through and fails unless they are exactly the described content.
 *
 * Overrun fails on the first byte too many, so a hostile peer cannot fill the
 * disk. The chunk that completes the size is passed on only if the digest is
 * right, so neither a file nor an upload of known length is ever completed with
 * bad content. Underrun fails in `_flush`, before the next stage ends.
 *
 * One hash update per chunk on the calling thread: about 40 µs for 64 KiB.
 */
import { createHash } from 'node:crypto'
import type { Hash } from 'node:crypto'
import { Transform } from 'node:stream'
import type { TransformCallback } from 'node:stream'
import { AirliftError } from '../base/errors.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { digestAlgorithm } from '../oci/digest.ts'

export type Expected = Pick<Descriptor, 'digest' | 'size'>

export class VerifyStream extends Transform {
  readonly #expected: Expected
  readonly #hash: Hash
  #received = 0

  constructor(expected: Expected) {
    super({ highWaterMark: 256 * 1024 })
    this.#expected = expected
    this.#hash = createHash(digestAlgorithm(expected.digest))
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    if (chunk.length === 0) return done()
    this.#received += chunk.length
    if (this.#received > this.#expected.size) return done(sizeMismatch(this.#expected, this.#received))
    this.#hash.update(chunk)
    if (this.#received < this.#expected.size) return done(null, chunk)
    const mismatch = this.#mismatch()
    if (mismatch === undefined) done(null, chunk)
    else done(mismatch)
  }

  override _flush(done: TransformCallback): void {
    if (this.#received !== this.#expected.size) return done(sizeMismatch(this.#expected, this.#received))
    done(this.#expected.size === 0 ? this.#mismatch() : null)
  }

  /** Once, when all has come. */
  #mismatch(): AirliftError | undefined {
    const actual = `${digestAlgorithm(this.#expected.digest)}:${this.#hash.digest('hex')}`
    return actual === this.#expected.digest ? undefined : digestMismatch(this.#expected, actual)
  }
}

export function sizeMismatch({ digest, size }: Expected, received: number): AirliftError {
  return new AirliftError('SIZE_MISMATCH', `${digest}: received ${received} bytes, expected ${size}`)
}

export function digestMismatch({ digest }: Expected, actual: string): AirliftError {
  return new AirliftError('DIGEST_MISMATCH', `content is ${actual}, expected ${digest}`)
}
