/**
 * An upload into a blob directory: `_uploads/<id>/data`, where distribution keeps
 * its own, so that its purge finds what was abandoned.
 *
 * Bytes are hashed while they are hot and written on the calling thread, which
 * costs a third of handing each chunk to another one. The file gets the blob's
 * name only after its digest has been compared and its bytes are on the disk.
 */
import { createHash, randomUUID } from 'node:crypto'
import type { Hash } from 'node:crypto'
import { writeSync } from 'node:fs'
import { mkdir, open, rm, writeFile } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { AirliftError } from '../base/errors.ts'
import { digestAlgorithm } from '../oci/digest.ts'
import type { Digest, DigestAlgorithm } from '../oci/digest.ts'
import { fileSize } from './blob-file.ts'
import type { UploadSession } from './blob-store.ts'
import { renameInto } from './place-file.ts'
import type { CallOptions } from './ports.ts'
import { digestMismatch } from './verify-stream.ts'

const SLAB_BYTES = 256 * 1024
const ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

export interface UploadPlaces {
  /** `_uploads` of the repository. */
  readonly uploads: string
  readonly blobPath: (digest: Digest) => string
  /** Called once the blob has its name. */
  readonly onStored: (digest: Digest, options: CallOptions) => Promise<void>
  /** Called when the session ends, in whatever way. */
  readonly onEnd: (id: string) => void
}

export class DirectoryUpload implements UploadSession {
  readonly id: string
  readonly #places: UploadPlaces
  readonly #algorithm: DigestAlgorithm
  /** Over the first `#offset` bytes; absent in a session that an earlier process began. */
  #hash: Hash | undefined
  #offset: number
  #isBusy = false

  private constructor(id: string, places: UploadPlaces, state: { algorithm: DigestAlgorithm; offset: number }) {
    this.id = id
    this.#places = places
    this.#algorithm = state.algorithm
    this.#offset = state.offset
    if (state.offset === 0) this.#hash = createHash(state.algorithm)
  }

  static async start(places: UploadPlaces, algorithm: DigestAlgorithm): Promise<DirectoryUpload> {
    const upload = new DirectoryUpload(randomUUID(), places, { algorithm, offset: 0 })
    await mkdir(dirname(upload.#path), { recursive: true })
    await writeFile(join(dirname(upload.#path), 'startedat'), `${new Date().toISOString().slice(0, 19)}Z`)
    await writeFile(upload.#path, '', { flag: 'wx' })
    return upload
  }

  /** An upload that an earlier process began; `undefined` where there is none. */
  static async find(places: UploadPlaces, id: string): Promise<DirectoryUpload | undefined> {
    if (!ID.test(id)) return undefined
    const offset = await fileSize(join(places.uploads, id, 'data'))
    return offset === undefined ? undefined : new DirectoryUpload(id, places, { algorithm: 'sha256', offset })
  }

  get offset(): number {
    return this.#offset
  }

  /** Whether a call is changing it now. */
  get isBusy(): boolean {
    return this.#isBusy
  }

  get #path(): string {
    return join(this.#places.uploads, this.id, 'data')
  }

  async append(
    chunks: AsyncIterable<Uint8Array>,
    { signal, maxSize = Infinity }: CallOptions & { readonly maxSize?: number },
  ): Promise<void> {
    using _ = this.#claim()
    await using file = await open(this.#path, 'r+')
    const hash = (this.#hash ??= await hashFile(file, this.#offset, this.#algorithm))
    for await (const chunk of chunks) {
      signal.throwIfAborted()
      if (this.#offset + chunk.length > maxSize) {
        throw new AirliftError('SIZE_MISMATCH', `upload of more than ${maxSize} bytes`)
      }
      writeWhole(file.fd, chunk, this.#offset)
      hash.update(chunk)
      this.#offset += chunk.length
    }
  }

  async commit(digest: Digest, options: CallOptions): Promise<void> {
    using _ = this.#claim()
    try {
      await this.#verify(digest)
      await renameInto(this.#path, this.#places.blobPath(digest))
      await this.#places.onStored(digest, options)
    } finally {
      await this.#end()
    }
  }

  async cancel(): Promise<void> {
    using _ = this.#claim()
    await this.#end()
  }

  async #verify(digest: Digest): Promise<void> {
    await using file = await open(this.#path, 'r+')
    const algorithm = digestAlgorithm(digest)
    const hash = (algorithm === this.#algorithm && this.#hash) || (await hashFile(file, this.#offset, algorithm))
    const actual = `${algorithm}:${hash.digest('hex')}`
    if (actual !== digest) throw digestMismatch({ digest, size: this.#offset }, actual)
    // A write that failed half-way has left bytes behind the last one that counts.
    await file.truncate(this.#offset)
    await file.datasync()
  }

  async #end(): Promise<void> {
    this.#places.onEnd(this.id)
    await rm(dirname(this.#path), { recursive: true, force: true })
  }

  #claim(): Disposable {
    if (this.#isBusy) throw new AirliftError('BLOB_UPLOAD_INVALID', 'another request is adding to this upload')
    this.#isBusy = true
    return {
      [Symbol.dispose]: () => {
        this.#isBusy = false
      },
    }
  }
}

function writeWhole(fd: number, chunk: Uint8Array, position: number): void {
  for (let done = 0; done < chunk.length;) done += writeSync(fd, chunk, done, chunk.length - done, position + done)
}

async function hashFile(file: FileHandle, size: number, algorithm: DigestAlgorithm): Promise<Hash> {
  const hash = createHash(algorithm)
  const slab = Buffer.allocUnsafe(SLAB_BYTES)
  for (let position = 0; position < size;) {
    const { bytesRead } = await file.read(slab, 0, Math.min(slab.length, size - position), position)
    if (bytesRead === 0) throw new Error('the upload file is shorter than what was written to it')
    hash.update(slab.subarray(0, bytesRead))
    position += bytesRead
  }
  return hash
}
