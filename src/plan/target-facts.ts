/**
 * What the target was found to hold, as far as the plan depends on it. Pure.
 */
import { childrenOf } from '../oci/manifest.ts'
import type { Manifest } from '../oci/manifest.ts'
import { isForeignLayer } from '../oci/media-type.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'

export interface TargetFacts {
  /** Digest that each tag of the target has: `repository:tag` → digest. */
  readonly tags: ReadonlyMap<string, Digest>
  /** Manifests that each repository holds. */
  readonly manifests: ReadonlyMap<string, ReadonlySet<Digest>>
  /** Blobs that each repository was asked for and holds. */
  readonly blobs: ReadonlyMap<string, ReadonlySet<Digest>>
}

export const NO_FACTS: TargetFacts = { tags: new Map(), manifests: new Map(), blobs: new Map() }

/** Blobs that are copied with a manifest: its config and layers, without those that only their owner may hand out. */
export function blobsOf(manifest: Manifest): readonly Descriptor[] {
  if (manifest.kind === 'index') return []
  return childrenOf(manifest).filter(({ mediaType, urls }) => !(isForeignLayer(mediaType) || (urls?.length ?? 0) > 0))
}

export function holds(table: ReadonlyMap<string, ReadonlySet<Digest>>, repository: string, digest: Digest): boolean {
  return table.get(repository)?.has(digest) ?? false
}
