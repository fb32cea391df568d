/**
 * What an image set means today: the output of `collect`, the input of the plan.
 *
 * Tags are pinned here, once; everything later knows only digests.
 */
import type { AirliftError } from '../base/errors.ts'
import type { Digest } from '../oci/digest.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Manifest } from '../oci/manifest.ts'
import type { Platform } from '../oci/platform.ts'
import type { Place } from '../content/ports.ts'

/** Kinds of content, by the names that delete files and logs of `oc-mirror` v2 use. */
export const IMAGE_KINDS = [
  'ocpReleaseContent',
  'ocpRelease',
  'cincinnatiGraph',
  'operatorRelatedImage',
  'generic',
  'helmImage',
  'operatorBundle',
  'operatorCatalog',
] as const
export type ImageKind = (typeof IMAGE_KINDS)[number]

/** An image that the configuration asks for, before any registry was asked. */
export interface WantedImage {
  readonly kind: ImageKind
  /** As the user, payload or catalog wrote it, transport and all where one was given: `quay.io/a/b:v1`, `oci:///dir`. */
  readonly origin: string
  /** What is pulled, with transport: `docker://quay.io/a/b@sha256:…`; the left side of `mapping.txt`. */
  readonly source: string
  readonly place: Place
  /** Tag or digest in `place`; for a layout a reference name, or '' for its only image. */
  readonly name: string
  /** Repository below the target's namespace: `openshifttest/hello-openshift`. */
  readonly repository: string
  readonly tag: string
  /** Instances of an index to copy; all where absent. */
  readonly platforms?: readonly Platform[]
  /** Whether the source is named by digest only, or by tag and digest: what decides between IDMS and ITMS. */
  readonly sourceHas: { readonly tag: boolean; readonly digest: boolean }
}

/** Whether a failure of this kind ends the run: a cluster cannot use half a release. */
export function isReleaseKind(kind: ImageKind): boolean {
  return kind === 'ocpRelease' || kind === 'ocpReleaseContent'
}

/** A manifest that stands beside an image: signature, SBOM, attestation. */
export interface Attachment {
  /** Which manifest of the image it belongs to. */
  readonly subject: Digest
  readonly root: Descriptor
  /** `sha256-….sig`; absent where it is found by its subject only. */
  readonly tag?: string
  readonly role: 'signature' | 'attestation' | 'sbom' | 'referrer'
}

/** An image whose tag has been pinned, and whose graph is known. */
export interface ResolvedImage extends WantedImage {
  readonly root: Descriptor
  readonly attachments: readonly Attachment[]
}

/** An image whose source refused; it fails, and all others go on. */
export interface UnresolvedImage extends WantedImage {
  readonly error: AirliftError
}

export interface Collection {
  /** Time of the run, RFC 3339 in UTC, to the second. */
  readonly createdAt: string
  readonly images: readonly ResolvedImage[]
  readonly unresolved: readonly UnresolvedImage[]
  readonly blocked: readonly BlockedImage[]
  /** Every manifest that an image or attachment reaches, by digest. */
  readonly manifests: ReadonlyMap<Digest, Manifest>
  readonly warnings: readonly string[]
}

export interface BlockedImage {
  readonly image: WantedImage
  /** The pattern or base image that blocked it, as configured. */
  readonly by: string
}
