/**
 * The plan and its outcome: plain values that are printed, saved and compared.
 */
import type { Digest } from '../oci/digest.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Place } from '../content/ports.ts'
import type { RepositoryName } from '../oci/reference.ts'
import type { BlockedImage, ImageKind, UnresolvedImage, WantedImage } from './collection.ts'

/** Identifies an image of a plan: its target reference, `mirror.example:5443/ns/ubi8/ubi:latest`. */
export type ImageId = string

/** Bytes of an image's blobs, each digest counted once. */
export interface ByteCounts {
  readonly total: number
  /** Of blobs that no other image of the plan has. */
  readonly unique: number
  readonly shared: number
  /** In blobs that the target repository holds already. */
  readonly present: number
  /** In blobs that an earlier image brings to the same repository. */
  readonly reused: number
  /** In blobs that another repository of the target holds, or gets before this one: mounted, if the target mounts. */
  readonly mounted: number
  /** From the source. */
  readonly toFetch: number
}

export interface PlannedManifest {
  readonly descriptor: Descriptor
  /** Digests of child manifests and blobs that are copied with it, in its order. */
  readonly manifests: readonly Digest[]
  readonly blobs: readonly Descriptor[]
  readonly present: boolean
  /** Tags to push it by, besides its digest. */
  readonly tags: readonly string[]
}

export interface PlannedImage {
  readonly id: ImageId
  readonly wanted: WantedImage
  readonly target: RepositoryName & { readonly tag: string }
  readonly root: Descriptor
  readonly sources: readonly Place[]
  /** Children before parents; the root is last of its own graph, attachments after it. */
  readonly manifests: readonly PlannedManifest[]
  readonly bytes: ByteCounts
  /** `present`: the target holds all of it under its tag. */
  readonly state: 'copy' | 'present'
}

/** A distinct blob of the plan, and where in the target it is wanted and held. */
export interface PlannedBlob {
  readonly content: Descriptor
  /** Repositories that lack it, in plan order: the first fetches it, the others mount it from there. */
  readonly wantedBy: readonly string[]
  /** Repositories of the target that hold it already. */
  readonly heldBy: readonly string[]
}

export interface PlanTotals {
  readonly images: number
  readonly present: number
  readonly manifests: number
  /** Distinct blobs. */
  readonly blobs: number
  readonly bytes: ByteCounts
}

export interface Plan {
  readonly createdAt: string
  readonly images: readonly PlannedImage[]
  readonly unresolved: readonly UnresolvedImage[]
  readonly blocked: readonly BlockedImage[]
  readonly blobs: readonly PlannedBlob[]
  readonly totals: PlanTotals
  readonly warnings: readonly string[]
}

export interface ImageFailure {
  readonly kind: ImageKind
  readonly origin: string
  /** Absent where the image never got a target, since its source refused. */
  readonly target?: ImageId
  readonly side: 'source' | 'target' | 'both'
  readonly code: string
  readonly message: string
  readonly hint?: string
}

/** What a transfer came to. */
export interface Outcome {
  readonly copied: readonly PlannedImage[]
  readonly failures: readonly ImageFailure[]
  /** Not started, since a release image failed or the run was interrupted. */
  readonly notStarted: readonly PlannedImage[]
  readonly counts: TransferCounts
}

export interface TransferCounts {
  readonly blobsFetched: number
  readonly blobsMounted: number
  readonly blobsPresent: number
  /** Mounts that the target refused; each cost another fetch. */
  readonly mountsRefused: number
  readonly bytesFetched: number
  readonly manifestsPushed: number
  readonly retries: number
}
