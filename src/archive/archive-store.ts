/**
 * An archive as the storage of a registry that is only read: what podman, skopeo
 * and clusters pull comes straight from the volumes.
 */
import { AirliftError } from '../base/errors.ts'
import type { BlobReader, BlobStore, RepositoryStore, UploadSession } from '../content/blob-store.ts'
import type { CallOptions } from '../content/ports.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import type { Manifest } from '../oci/manifest.ts'
import { isRepository } from '../oci/reference.ts'
import type { Archive, ArchiveRepository } from './reading-types.ts'
import type { Readable } from 'node:stream'

export function archiveStore(archive: Archive): BlobStore {
  return {
    size: (digest) => Promise.resolve(archive.locate(digest)?.size),
    open: (content, options) => archive.openBlob(content, options),
    repository: (name) => {
      if (!isRepository(name)) throw new AirliftError('NAME_INVALID', 'not a repository name')
      return new ReadOnlyRepository(archive.repository(name))
    },
  }
}

class ReadOnlyRepository implements RepositoryStore {
  readonly name: string
  readonly #source: ArchiveRepository

  constructor(source: ArchiveRepository) {
    this.name = source.name
    this.#source = source
  }

  exists(_options: CallOptions): Promise<boolean> {
    return Promise.resolve(this.#source.exists)
  }

  size(digest: Digest, _options: CallOptions): Promise<number | undefined> {
    return Promise.resolve(this.#source.size(digest))
  }

  reader(digest: Digest, _options: CallOptions): Promise<BlobReader | undefined> {
    return Promise.resolve(this.#source.reader(digest))
  }

  open(content: Descriptor, options: CallOptions & { readonly offset?: number }): Promise<Readable> {
    return this.#source.open(content, options)
  }

  has({ digest, size }: Descriptor, _options: CallOptions): Promise<boolean> {
    return Promise.resolve(this.#source.size(digest) === size)
  }

  manifest(name: string, options: CallOptions): Promise<Manifest | undefined> {
    return this.#source.manifest(name, options)
  }

  head(name: string, options: CallOptions): Promise<Descriptor | undefined> {
    return this.#source.head(name, options)
  }

  async *tags(options: CallOptions & { readonly after?: string }): AsyncGenerator<string> {
    for await (const tag of this.#source.tags(options)) if (tag > (options.after ?? '')) yield tag
  }

  referrers(digest: Digest, options: CallOptions): Promise<readonly Descriptor[]> {
    return this.#source.referrers(digest, options)
  }

  upload(_id: string, _options: CallOptions): Promise<undefined> {
    return Promise.resolve(undefined)
  }

  put(_content: Descriptor, bytes: Readable): Promise<never> {
    bytes.destroy()
    return refuse()
  }

  putManifest(): Promise<never> {
    return refuse()
  }

  link(): Promise<never> {
    return refuse()
  }

  startUpload(): Promise<UploadSession> {
    return refuse()
  }

  deleteBlob(): Promise<never> {
    return refuse()
  }

  deleteManifest(): Promise<never> {
    return refuse()
  }

  deleteTag(): Promise<never> {
    return refuse()
  }
}

async function refuse(): Promise<never> {
  throw new AirliftError('UNSUPPORTED', 'an archive is only read')
}
