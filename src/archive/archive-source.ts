/**
 * One repository of an archive as a source of images, read straight from the volumes.
 *
 * Manifests are compared with the digests that name them; blobs are checked by
 * whoever reads them, as with every source.
 */
import { addAbortSignal } from 'node:stream'
import type { Readable } from 'node:stream'
import { AirliftError, hasCode } from '../base/errors.ts'
import type { BlobReader } from '../content/blob-store.ts'
import type { CallOptions } from '../content/ports.ts'
import { referrerDescriptor } from '../content/referrer-descriptor.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { digestAlgorithm, digestOf, isDigest } from '../oci/digest.ts'
import type { Digest } from '../oci/digest.ts'
import { MAX_MANIFEST_BYTES, parseManifest } from '../oci/manifest.ts'
import type { Manifest } from '../oci/manifest.ts'
import { RepositoryTable, taggedDigest } from './content-table.ts'
import type { ContentTable, StoredRange } from './content-table.ts'
import type { ArchiveRepository } from './reading-types.ts'

export interface ArchiveSourceOptions {
  readonly table: ContentTable
  /** Which archive would hold what is in no volume, in words. */
  readonly holderOf: (digest: Digest) => string
}

export class ArchiveSource implements ArchiveRepository {
  readonly name: string
  readonly exists: boolean
  readonly #links: RepositoryTable
  readonly #options: ArchiveSourceOptions
  #subjects: ReadonlyMap<Digest, readonly Digest[]> | undefined

  constructor(name: string, options: ArchiveSourceOptions) {
    const links = options.table.repositories.get(name)
    this.name = name
    this.exists = links !== undefined
    this.#links = links ?? new RepositoryTable()
    this.#options = options
  }

  isLinked(digest: Digest): boolean {
    return this.#links.layers.has(digest) || this.#links.revisions.has(digest)
  }

  size(digest: Digest): number | undefined {
    return this.#linked(digest)?.size
  }

  reader(digest: Digest): BlobReader | undefined {
    const stored = this.#linked(digest)
    if (stored === undefined) return undefined
    const { file, offset, size } = stored
    return {
      size,
      read: (slab, position) => {
        const wanted = Math.min(slab.length, size - position)
        return wanted <= 0 ? 0 : file.read(slab.subarray(0, wanted), offset + position)
      },
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }
  }

  async open(
    { digest, size }: Descriptor,
    { signal, offset = 0 }: CallOptions & { readonly offset?: number },
  ): Promise<Readable> {
    signal.throwIfAborted()
    const stored = this.#linked(digest)
    if (stored === undefined) throw this.#unknown(digest)
    if (stored.size !== size) {
      throw new AirliftError('SIZE_MISMATCH', `${digest} has ${stored.size} bytes in ${stored.file.path}, not ${size}`)
    }
    return addAbortSignal(signal, stored.file.stream(stored.offset + offset, Math.max(stored.size - offset, 0)))
  }

  /** @throws {AirliftError} `BLOB_UNKNOWN` where it is linked here but lies in no volume, `ARCHIVE_DAMAGED`. */
  async manifest(name: string, { signal }: CallOptions): Promise<Manifest | undefined> {
    signal.throwIfAborted()
    const digest = isDigest(name) ? name : taggedDigest(this.#links, name)
    if (digest === undefined || (isDigest(name) && !this.#links.revisions.has(digest))) return undefined
    const stored = this.#options.table.blobs.get(digest)
    if (stored === undefined) throw this.#unknown(digest)
    return readManifest(stored, digest)
  }

  async head(name: string, options: CallOptions): Promise<Descriptor | undefined> {
    return (await this.manifest(name, options))?.descriptor
  }

  async *tags({ signal }: CallOptions): AsyncGenerator<string> {
    for (const tag of [...this.#links.tags.keys()].toSorted((a, b) => (a < b ? -1 : 1))) {
      signal.throwIfAborted()
      yield tag
    }
  }

  async referrers(digest: Digest, options: CallOptions): Promise<readonly Descriptor[]> {
    this.#subjects ??= await this.#readSubjects(options)
    const manifests = await Promise.all((this.#subjects.get(digest) ?? []).map((name) => this.manifest(name, options)))
    return manifests.flatMap((manifest) => (manifest === undefined ? [] : [referrerDescriptor(manifest)]))
  }

  /** Costs one read of each manifest of the repository, once. */
  async #readSubjects(options: CallOptions): Promise<ReadonlyMap<Digest, readonly Digest[]>> {
    const subjects = new Map<Digest, Digest[]>()
    for (const digest of [...this.#links.revisions].toSorted((a, b) => (a < b ? -1 : 1))) {
      const subject = (await this.#readable(digest, options))?.subject?.digest
      if (subject !== undefined) subjects.set(subject, [...(subjects.get(subject) ?? []), digest])
    }
    return subjects
  }

  /** Without what cannot be read here: it is reported when it is asked for itself. */
  async #readable(digest: Digest, options: CallOptions): Promise<Manifest | undefined> {
    try {
      return await this.manifest(digest, options)
    } catch (error) {
      if (hasCode(error, 'BLOB_UNKNOWN', 'ARCHIVE_DAMAGED', 'MANIFEST_INVALID', 'MANIFEST_UNSUPPORTED'))
        return undefined
      if (hasCode(error, 'MANIFEST_TOO_LARGE')) return undefined
      throw error
    }
  }

  #linked(digest: Digest): StoredRange | undefined {
    return this.isLinked(digest) ? this.#options.table.blobs.get(digest) : undefined
  }

  #unknown(digest: Digest): AirliftError {
    if (!this.isLinked(digest) && !this.#isTagged(digest))
      return new AirliftError('BLOB_UNKNOWN', `the archive has no ${digest} in ${this.name}`)
    const holder = this.#options.holderOf(digest)
    return new AirliftError('BLOB_UNKNOWN', `${digest} of ${this.name} is in no volume here: it is in ${holder}`, {
      hint: 'bring that archive here and name its directory as well, or mirror it to the target first',
      details: { digest },
    })
  }

  #isTagged(digest: Digest): boolean {
    return [...this.#links.tags.keys()].some((tag) => taggedDigest(this.#links, tag) === digest)
  }
}

function readManifest({ file, offset, size }: StoredRange, digest: Digest): Manifest {
  if (size > MAX_MANIFEST_BYTES) {
    throw new AirliftError('MANIFEST_TOO_LARGE', `manifest ${digest} in ${file.path} has ${size} bytes`)
  }
  const bytes = file.readExactly(offset, size)
  const algorithm = digestAlgorithm(digest)
  if (digestOf(bytes, algorithm) === digest) return parseManifest(bytes, { algorithm })
  throw new AirliftError('ARCHIVE_DAMAGED', `manifest ${digest} in ${file.path} has been damaged`, {
    hint: 'run airlift archive verify, and copy the volume again from where it was written',
  })
}
