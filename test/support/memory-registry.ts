/**
 * A registry in memory, behind the ports: for tests of what is planned and copied,
 * where HTTP would only be in the way. Calls are counted by name.
 */
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { AirliftError } from '../../src/base/errors.ts'
import type { BlobCarrier, CarryOrder, ImageSink, ImageSource, Place } from '../../src/content/ports.ts'
import { digestOf, isDigest } from '../../src/oci/digest.ts'
import type { Digest } from '../../src/oci/digest.ts'
import { childrenOf } from '../../src/oci/manifest.ts'
import type { Manifest } from '../../src/oci/manifest.ts'
import type { RepositoryName } from '../../src/oci/reference.ts'
import type { BuiltImage } from './random-image.ts'

interface Repository {
  readonly blobs: Map<Digest, Uint8Array>
  readonly manifests: Map<Digest, Manifest>
  readonly tags: Map<string, Digest>
}

export interface MemoryRegistryOptions {
  /** Whether blobs of other repositories can be mounted; true unless told. */
  readonly mounts?: boolean
  /** Whether an index may lack instances; false unless told. */
  readonly sparse?: boolean
}

export class MemoryRegistry {
  readonly repositories: Map<string, Repository> = new Map()
  readonly calls: Map<string, number> = new Map()
  readonly #options: MemoryRegistryOptions

  constructor(options: MemoryRegistryOptions = {}) {
    this.#options = options
  }

  count(call: string): number {
    return this.calls.get(call) ?? 0
  }

  /** Adds a built image under its tag, and with it all that it names. */
  add(repository: string, image: BuiltImage, tag?: string): void {
    const held = this.#repository(repository)
    for (const [digest, bytes] of image.blobs) held.blobs.set(digest, bytes)
    for (const manifest of image.manifests) held.manifests.set(manifest.descriptor.digest, manifest)
    if (tag !== undefined) held.tags.set(tag, image.manifest.descriptor.digest)
  }

  /** What is held, in a form that compares: digests by repository, and tags. */
  content(): unknown {
    return [...this.repositories]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, { blobs, manifests, tags }]) => ({
        name,
        blobs: [...blobs.keys()].toSorted(),
        manifests: [...manifests.keys()].toSorted(),
        tags: Object.fromEntries([...tags].toSorted(([a], [b]) => (a < b ? -1 : 1))),
      }))
  }

  sink({ repository }: Pick<RepositoryName, 'repository'>): ImageSink & ImageSource {
    const held = (): Repository => this.#repository(repository)
    const find = (name: string): Manifest | undefined =>
      held().manifests.get(isDigest(name) ? name : (held().tags.get(name) ?? ('' as Digest)))
    return {
      has: async ({ digest }) => this.#counted('has', held().blobs.has(digest)),
      open: async (content, { offset = 0 }) => {
        const bytes = this.#counted('open', held().blobs.get(content.digest))
        if (bytes === undefined) throw new AirliftError('BLOB_UNKNOWN', `${content.digest} is not in ${repository}`)
        return Readable.from([bytes.subarray(offset)])
      },
      put: async (content, stream) => {
        const bytes = await buffer(stream)
        if (digestOf(bytes) !== content.digest) throw new AirliftError('DIGEST_MISMATCH', content.digest)
        this.#counted('put', held().blobs.set(content.digest, bytes))
      },
      mount: async (content, { from }) => {
        const bytes = this.repositories.get(from?.repository ?? '')?.blobs.get(content.digest)
        this.#counted('mount', undefined)
        if (this.#options.mounts === false || bytes === undefined) return false
        held().blobs.set(content.digest, bytes)
        return true
      },
      manifest: async (name) => this.#counted('manifest', find(name)),
      head: async (name) => this.#counted('head', find(name)?.descriptor),
      async *tags() {
        yield* held().tags.keys()
      },
      referrers: async (digest) =>
        this.#counted(
          'referrers',
          [...held().manifests.values()]
            .filter(({ subject }) => subject?.digest === digest)
            .map(({ descriptor }) => descriptor),
        ),
      putManifest: async (manifest, { tag }) => {
        this.#requireChildren(held(), manifest)
        held().manifests.set(manifest.descriptor.digest, manifest)
        if (tag !== undefined) held().tags.set(tag, manifest.descriptor.digest)
        this.#counted('putManifest', undefined)
      },
    }
  }

  #requireChildren(held: Repository, manifest: Manifest): void {
    if (manifest.kind === 'index' && this.#options.sparse === true) return
    const table: ReadonlyMap<Digest, unknown> = manifest.kind === 'index' ? held.manifests : held.blobs
    const missing = childrenOf(manifest).find(({ digest }) => !table.has(digest))
    if (missing === undefined) return
    throw new AirliftError('REGISTRY_REFUSED', `manifest names ${missing.digest}, which is unknown`, {
      details: { side: 'target', serverCode: 'MANIFEST_BLOB_UNKNOWN' },
    })
  }

  #counted<T>(call: string, value: T): T {
    this.calls.set(call, this.count(call) + 1)
    return value
  }

  #repository(name: string): Repository {
    const held = this.repositories.get(name) ?? { blobs: new Map(), manifests: new Map(), tags: new Map() }
    this.repositories.set(name, held)
    return held
  }
}

/** Carries blobs between two registries in memory; `orders` are those that arrived whole. */
export class MemoryCarrier implements BlobCarrier {
  readonly orders: CarryOrder[] = []
  readonly #source: MemoryRegistry
  readonly #target: MemoryRegistry

  constructor(source: MemoryRegistry, target: MemoryRegistry) {
    this.#source = source
    this.#target = target
  }

  async carry(order: CarryOrder, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    const bytes = await sourceOf(this.#source, order.from).open(order.content, { signal })
    signal.throwIfAborted()
    await this.#target.sink({ repository: repositoryOf(order.to) }).put(order.content, bytes, { signal })
    this.orders.push(order)
  }
}

export function sourceOf(registry: MemoryRegistry, place: Place): ImageSource {
  return registry.sink({ repository: repositoryOf(place) })
}

function repositoryOf(place: Place): string {
  return place.kind === 'layout' ? place.name : place.repository
}
