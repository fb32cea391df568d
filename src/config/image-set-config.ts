/**
 * Image set configurations: what a user asks to be mirrored (v2alpha1), or deleted.
 *
 * The names are the keys of the file. Lists and switches that the file leaves out are empty and `false` here, so that
 * readers need no defaults; `packages` alone keeps its absence, since `oc-mirror`'s filter digest tells it from `[]`.
 */
import type { Platform } from '../oci/platform.ts'

export interface ImageSetConfig {
  /** Largest archive volume in GiB; 500 where absent. */
  readonly archiveSize?: number | undefined
  readonly mirror: MirrorSet
}

export interface DeleteImageSetConfig {
  readonly delete: ImageSet
}

/** What both kinds of configuration can name. */
export interface ImageSet {
  readonly platform?: ReleaseSelection | undefined
  readonly operators: readonly OperatorSelection[]
  readonly additionalImages: readonly AdditionalImage[]
  readonly helm?: HelmSelection | undefined
}

export interface MirrorSet extends ImageSet {
  readonly blockedImages: readonly BlockedImage[]
  /** Accepted for the sake of old files; nothing is done with it. */
  readonly samples: readonly { readonly name: string }[]
}

export interface ReleaseSelection {
  /** Build and mirror the update graph image. */
  readonly graph: boolean
  /** One exact payload, by tag or digest; `channels` count for nothing then. */
  readonly release?: string | undefined
  /** Bring the container disks of RHCOS too. */
  readonly kubeVirtContainer: boolean
  /** Deprecated: single-architecture payloads, or `multi`; `amd64` where empty. */
  readonly architectures: readonly string[]
  /** Take the `multi` payload, and only these instances of it. Never beside `architectures`. */
  readonly platforms: readonly Platform[]
  readonly channels: readonly UpdateChannelSelection[]
}

/** An update channel and the part of it to mirror; both bounds are inclusive. */
export interface UpdateChannelSelection {
  readonly name: string
  readonly type: 'ocp' | 'okd'
  readonly minVersion?: string | undefined
  readonly maxVersion?: string | undefined
  readonly shortestPath: boolean
  readonly full: boolean
}

export interface OperatorSelection {
  /** Catalog image: `registry/repository:tag`, by digest, or `oci://path`. */
  readonly catalog: string
  /** Repository at the target, below the destination's namespace. */
  readonly targetCatalog?: string | undefined
  readonly targetTag?: string | undefined
  /** Path of a CatalogSource to start from. */
  readonly targetCatalogSourceTemplate?: string | undefined
  /** Every bundle of every channel, instead of channel heads. */
  readonly full: boolean
  /** Accepted; dependencies are never resolved. */
  readonly skipDependencies: boolean
  readonly platforms: readonly Platform[]
  readonly packages?: readonly PackageSelection[] | undefined
}

export interface PackageSelection {
  readonly name: string
  readonly defaultChannel?: string | undefined
  readonly minVersion?: string | undefined
  readonly maxVersion?: string | undefined
  readonly channels: readonly OperatorChannelSelection[]
}

export interface OperatorChannelSelection {
  readonly name: string
  readonly minVersion?: string | undefined
  readonly maxVersion?: string | undefined
}

export interface AdditionalImage {
  /** `registry/repository` with tag, digest or both, or `oci://path[:tag]`; not yet parsed. */
  readonly name: string
  /** Repository at the target, below the destination's namespace. */
  readonly targetRepo?: string | undefined
  readonly targetTag?: string | undefined
  /** Instances of an index to copy; all where empty. */
  readonly platforms: readonly Platform[]
}

export interface HelmSelection {
  readonly repositories: readonly ChartRepository[]
  readonly local: readonly LocalChart[]
}

export interface ChartRepository {
  readonly name: string
  readonly url: string
  readonly charts: readonly ChartSelection[]
}

export interface ChartSelection {
  readonly name: string
  /** The newest where absent. */
  readonly version?: string | undefined
  /** JSONPath expressions that find images where manifests keep them in unusual places. */
  readonly imagePaths: readonly string[]
  readonly platforms: readonly Platform[]
}

export interface LocalChart {
  readonly name?: string | undefined
  /** Directory or archive of the chart. */
  readonly path: string
  readonly imagePaths: readonly string[]
  readonly platforms: readonly Platform[]
}

/** Images to leave out: by a Go regular expression over their name, or by the base that they are built on. */
export type BlockedImage = { readonly name: string } | { readonly baseImage: string }
