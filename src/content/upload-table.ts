/**
 * The uploads that this process knows, of all repositories of a store.
 *
 * Bounded, since clients start uploads and go away. What is forgotten is still on
 * the disk and can go on: its bytes are hashed again.
 */
import type { DirectoryUpload } from './directory-upload.ts'

export class UploadTable {
  readonly #uploads = new Map<string, DirectoryUpload>()
  readonly #limit: number

  constructor(limit: number) {
    this.#limit = limit
  }

  get(repository: string, id: string): DirectoryUpload | undefined {
    return this.#uploads.get(`${repository}:${id}`)
  }

  /** Forgets the oldest ones that nobody is adding to, where there are too many. */
  add(repository: string, upload: DirectoryUpload): void {
    this.#uploads.set(`${repository}:${upload.id}`, upload)
    for (const [key, { isBusy }] of this.#uploads) {
      if (this.#uploads.size <= this.#limit) return
      if (!isBusy) this.#uploads.delete(key)
    }
  }

  delete(repository: string, id: string): void {
    this.#uploads.delete(`${repository}:${id}`)
  }
}
