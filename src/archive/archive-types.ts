/**
 * What an archive is made of, as plain values: its content before it is laid out,
 * its layout, and what the index of a volume says.
 *
 * `docs/archive-format.md` describes the bytes.
 */
import type { Digest } from '../oci/digest.ts'
import type { Platform } from '../oci/platform.ts'

/** Blobs and manifests alike: what lies below `docker/registry/v2/blobs`. */
export interface ArchiveBlob {
  readonly digest: Digest
  /** Bytes. */
  readonly size: number
  /** Ids of the images that need it, sorted. */
  readonly images: readonly string[]
}

/** A small entry whose bytes are known before the archive is written: links, workspace files, configuration, plan. */
export interface ArchiveFile {
  /** Name in the tar: `docker/registry/v2/repositories/…/link`, `working-dir/…`, `isc_…`, `airlift/plan.json`. */
  readonly name: string
  readonly bytes: Uint8Array
  /** For links: the images that need it; one that fails becomes void with them. Empty for all else. */
  readonly images: readonly string[]
}

export interface ArchiveImage {
  /** Its repository and tag in the archive: `openshifttest/hello-openshift:1.2.0`. */
  readonly id: string
  readonly kind: string
  /** As the configuration names it. */
  readonly origin: string
  readonly repository: string
  readonly tag: string
  readonly digest: Digest
  readonly platforms: readonly Platform[]
  /** Every manifest and blob of it, also those that earlier archives hold. */
  readonly content: readonly Digest[]
}

export interface ArchiveContent {
  /** RFC 3339 in UTC, to the second: time of every header and of names. */
  readonly createdAt: string
  /** Of the set of volumes, and of the one that it continues. */
  readonly identity: ArchiveIdentity
  readonly images: readonly ArchiveImage[]
  readonly blobs: readonly ArchiveBlob[]
  readonly files: readonly ArchiveFile[]
}

export interface ArchiveIdentity {
  /** Digest of the plan. */
  readonly id: string
  /** 1 for the first archive of a workspace. */
  readonly sequence: number
  /** The archive that this one continues, if any. */
  readonly continues?: { readonly id: string; readonly sequence: number }
}

export interface LayoutLimits {
  /** Each volume is strictly smaller, headers and all. */
  readonly volumeBytes: number
  /** Refuse content that no volume can hold, instead of giving it a volume of its own. */
  readonly strict: boolean
  /** Number of the first volume. */
  readonly firstVolume: number
}

export type EntrySource =
  | { readonly kind: 'index' }
  | { readonly kind: 'blob'; readonly digest: Digest }
  | { readonly kind: 'file'; readonly file: ArchiveFile }

export interface PlacedEntry {
  readonly name: string
  readonly source: EntrySource
  /** Of the first header, from the start of the volume. */
  readonly headerOffset: number
  /** Of the first byte of content. */
  readonly offset: number
  readonly size: number
}

export interface VolumeLayout {
  /** `mirror_000001.tar`. */
  readonly name: string
  readonly number: number
  /** Of the whole file, end-of-archive blocks and all. */
  readonly size: number
  readonly entries: readonly PlacedEntry[]
}

export interface ArchiveLayout {
  readonly volumes: readonly VolumeLayout[]
  readonly size: number
}
