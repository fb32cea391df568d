/**
 * What earlier archives held, as facts for a plan: content that they carried is
 * not fetched again, in whatever repository it is wanted. Pure.
 */
import { isAirliftError } from '../base/errors.ts'
import type { Digest } from '../oci/digest.ts'
import type { Collection, ResolvedImage } from './collection.ts'
import { imageGraph } from './image-graph.ts'
import { blobsOf } from './target-facts.ts'
import type { TargetFacts } from './target-facts.ts'
import { targetOf } from './target.ts'
import type { TargetBase } from './target.ts'

export interface ArchivedContent {
  /** Manifests and blobs. */
  readonly digests: ReadonlySet<Digest>
  /** `repository:tag` → digest, as the last archive with that tag had it. */
  readonly tags: ReadonlyMap<string, Digest>
}

export function archivedFacts(
  collection: Collection,
  base: TargetBase,
  { digests, tags }: ArchivedContent,
): TargetFacts {
  const manifests = new Map<string, Set<Digest>>()
  const blobs = new Map<string, Set<Digest>>()
  for (const image of collection.images) {
    const repository = repositoryOf(image, base)
    for (const { manifest } of imageGraph(image, image.tag, collection.manifests)) {
      const held = blobsOf(manifest).filter(({ digest }) => digests.has(digest))
      for (const { digest } of held) add(blobs, repository, digest)
      // A manifest counts only with all that it names: the plan concludes from one to the other.
      const isWhole = digests.has(manifest.descriptor.digest) && held.length === blobsOf(manifest).length
      if (isWhole) add(manifests, repository, manifest.descriptor.digest)
    }
  }
  return { tags, manifests, blobs }
}

/** Content without a valid name is refused by the plan. */
function repositoryOf(image: ResolvedImage, base: TargetBase): string {
  try {
    return targetOf(image, base).repository
  } catch (error) {
    if (!isAirliftError(error)) throw error
    return image.repository
  }
}

function add(table: Map<string, Set<Digest>>, repository: string, digest: Digest): void {
  const held = table.get(repository) ?? new Set()
  table.set(repository, held.add(digest))
}
