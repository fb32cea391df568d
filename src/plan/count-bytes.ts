/** Bytes of a plan, image by image. Pure. */
import type { Digest } from '../oci/digest.ts'
import type { ByteCounts, PlannedBlob } from './plan-types.ts'

export const NO_BYTES: ByteCounts = { total: 0, unique: 0, shared: 0, present: 0, reused: 0, mounted: 0, toFetch: 0 }

export function addBytes(a: ByteCounts, b: ByteCounts): ByteCounts {
  return {
    total: a.total + b.total,
    unique: a.unique + b.unique,
    shared: a.shared + b.shared,
    present: a.present + b.present,
    reused: a.reused + b.reused,
    mounted: a.mounted + b.mounted,
    toFetch: a.toFetch + b.toFetch,
  }
}

export interface CountOptions {
  /** Of the image that is counted. */
  readonly repository: string
  /** Images of the plan that have each blob. */
  readonly uses: ReadonlyMap<Digest, number>
  /** Repositories that an earlier image brings each blob to; this image's is added. */
  readonly brought: Map<Digest, Set<string>>
}

/** `blobs` are one image's, each once. */
export function countBytes(blobs: readonly PlannedBlob[], { repository, uses, brought }: CountOptions): ByteCounts {
  return blobs
    .map(({ content, heldBy }) => {
      const { size, digest } = content
      const alone = uses.get(digest) === 1
      const before = brought.get(digest) ?? new Set()
      const present = heldBy.includes(repository)
      const reused = !present && before.has(repository)
      const mounted = !present && !reused && heldBy.length + before.size > 0
      brought.set(digest, new Set([...before, repository]))
      return {
        total: size,
        unique: alone ? size : 0,
        shared: alone ? 0 : size,
        present: present ? size : 0,
        reused: reused ? size : 0,
        mounted: mounted ? size : 0,
        toFetch: present || reused || mounted ? 0 : size,
      }
    })
    .reduce(addBytes, NO_BYTES)
}
