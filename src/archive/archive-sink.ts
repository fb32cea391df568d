/**
 * One repository of an archive that is being written, as the target of a plan.
 *
 * Blobs have one place for the whole archive: what another repository brought is
 * here too. Links and tags were written with the layout; a manifest's bytes
 * complete them.
 */
import { createHash } from 'node:crypto'
import { closeSync, openSync, readSync } from 'node:fs'
import type { Readable } from 'node:stream'
import type { CallOptions, ImageSink } from '../content/ports.ts'
import { SlotFile } from '../content/slot-file.ts'
import { digestMismatch, sizeMismatch } from '../content/verify-stream.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { digestAlgorithm, isDigest } from '../oci/digest.ts'
import type { Digest } from '../oci/digest.ts'
import { parseManifest } from '../oci/manifest.ts'
import type { Manifest } from '../oci/manifest.ts'
import type { ArchiveImage } from './archive-types.ts'
import type { SlotTable } from './slot-table.ts'

export class ArchiveSink implements ImageSink {
  readonly #table: SlotTable
  readonly #images: readonly ArchiveImage[]

  /** @param images those of the repository. */
  constructor(table: SlotTable, images: readonly ArchiveImage[]) {
    this.#table = table
    this.#images = images
  }

  has({ digest }: Descriptor): Promise<boolean> {
    return Promise.resolve(this.#table.isWhole(digest))
  }

  mount(content: Descriptor): Promise<boolean> {
    return this.has(content)
  }

  async put(content: Descriptor, bytes: Readable, { signal }: CallOptions): Promise<void> {
    try {
      const slot = this.#table.slot(content)
      if (slot === undefined) return void bytes.destroy()
      using file = new SlotFile(content, slot, this.#table)
      file.restart()
      const hash = createHash(digestAlgorithm(content.digest))
      for await (const chunk of bytes as AsyncIterable<Buffer>) {
        signal.throwIfAborted()
        if (file.received + chunk.length > content.size) throw sizeMismatch(content, file.received + chunk.length)
        hash.update(chunk)
        file.write(chunk)
      }
      if (file.received < content.size) throw sizeMismatch(content, file.received)
      const actual = `${digestAlgorithm(content.digest)}:${hash.digest('hex')}`
      if (actual !== content.digest) {
        file.restart()
        throw digestMismatch(content, actual)
      }
      this.#table.completed(content.digest)
    } catch (error) {
      bytes.destroy()
      throw error
    }
  }

  /** A manifest that an earlier archive holds has no place in this one, and needs none. */
  async putManifest({ descriptor, bytes }: Manifest): Promise<void> {
    await Promise.resolve()
    if (!this.#table.has(descriptor.digest)) return
    const slot = this.#table.slot(descriptor)
    if (slot === undefined) return
    using file = new SlotFile(descriptor, slot, this.#table)
    file.restart()
    file.write(bytes)
    this.#table.completed(descriptor.digest)
  }

  async manifest(name: string): Promise<Manifest | undefined> {
    await Promise.resolve()
    const digest = isDigest(name) ? name : this.#images.find(({ tag }) => tag === name)?.digest
    if (digest === undefined || !this.#table.isWhole(digest)) return undefined
    const bytes = this.#read(digest)
    const manifest = parseManifest(bytes, { algorithm: digestAlgorithm(digest) })
    if (manifest.descriptor.digest === digest) return manifest
    throw digestMismatch({ digest, size: bytes.length }, manifest.descriptor.digest)
  }

  async head(name: string): Promise<Descriptor | undefined> {
    return (await this.manifest(name))?.descriptor
  }

  async *tags(): AsyncIterable<string> {
    for (const { tag, digest } of this.#images) if (this.#table.isWhole(digest)) yield tag
  }

  referrers(): Promise<readonly Descriptor[]> {
    return Promise.resolve([])
  }

  #read(digest: Digest): Buffer {
    const place = this.#table.place(digest)
    if (place === undefined) throw new Error(`the archive has no place for ${digest}`)
    const bytes = Buffer.alloc(place.size)
    try {
      const fd = openSync(place.path, 'r')
      try {
        readSync(fd, bytes, 0, bytes.length, place.offset)
      } finally {
        closeSync(fd)
      }
    } catch (error) {
      throw this.#table.diskFailed(error)
    }
    return bytes
  }
}
