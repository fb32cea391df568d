/**
 * What an open archive answers: the volumes of one or several directories as one
 * store of images and files, read in place.
 *
 * Content is believed only once it hashes to its digest, which its reader checks
 * for blobs, and the archive for manifests.
 */
import type { Readable } from 'node:stream'
import type { BlobReader } from '../content/blob-store.ts'
import type { CallOptions, ImageSource } from '../content/ports.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import type { Platform } from '../oci/platform.ts'
import type { ArchiveIdentity } from './archive-types.ts'

/** A volume that was found, whole or not. */
export interface FoundVolume {
  readonly path: string
  /** `mirror_000001.tar`. */
  readonly name: string
  readonly number: number
  /** Bytes of the file. */
  readonly size: number
  /** Absent where another program made it. */
  readonly archive?: ArchiveIdentity
}

/** Volumes that one run wrote, or all of one directory that have no index. */
export interface VolumeSet {
  readonly archive?: ArchiveIdentity
  readonly createdAt?: string
  readonly volumes: readonly FoundVolume[]
  /** Names of those that belong to it and are not here; for volumes without index, gaps in their numbers. */
  readonly missing: readonly string[]
}

export type VolumeProblemKind =
  /** Part of a set, and not here. */
  | 'missing'
  /** Ends early: cut off, or still being copied. */
  | 'truncated'
  /** Has the name of one volume and the content of another. */
  | 'swapped'
  /** The index does not hash to what stands beside it, or is none. */
  | 'index-damaged'
  /** Headers are not as the index says. */
  | 'damaged'
  /** Something in it must not be in an archive, or is no tar at all. */
  | 'invalid'

export interface VolumeProblem {
  readonly kind: VolumeProblemKind
  /** Path of the volume, or where it should be. */
  readonly path: string
  /** As a sentence of an error message. */
  readonly message: string
}

/** An image as `list` shows it: from an index, or from a tag where there is none. */
export interface ListedImage {
  /** `openshifttest/hello-openshift:1.2.0`. */
  readonly id: string
  readonly repository: string
  readonly tag: string
  readonly digest: Digest
  /** `void`: it failed when the archive was written, so that not all of it is there. */
  readonly state: 'whole' | 'void'
  /** Absent where no index says it. */
  readonly kind?: string
  readonly origin?: string
  readonly platforms?: readonly Platform[]
  readonly content?: readonly Digest[]
}

/** Where content lies: in which volume, and where in it. */
export interface ContentLocation {
  readonly volume: FoundVolume
  readonly offset: number
  readonly size: number
}

export interface ArchivedFile {
  /** As in the tar: `working-dir/…`. */
  readonly name: string
  readonly size: number
}

/** One repository of the archive, as the links of its volumes have it. */
export interface ArchiveRepository extends ImageSource {
  readonly name: string
  readonly exists: boolean
  /** Bytes of a blob that is linked here and lies in a volume. */
  size(digest: Digest): number | undefined
  /** Whether it is part of this repository, here or in another archive. */
  isLinked(digest: Digest): boolean
  /** Reads straight from the volume. */
  reader(digest: Digest): BlobReader | undefined
}

export interface Archive extends AsyncDisposable {
  /** In the order of the directories, and by number. */
  readonly sets: readonly VolumeSet[]
  /** Empty unless it was opened with `partial`. */
  readonly problems: readonly VolumeProblem[]
  /** Sorted by id. Where several volumes know an image, the last of the last directory does. */
  readonly images: readonly ListedImage[]
  /** Sorted names. */
  readonly repositories: readonly string[]
  /** A repository that the archive does not have is empty. */
  repository(name: string): ArchiveRepository
  /** Digests of all blobs and manifests that lie here. */
  digests(): Iterable<Digest>
  /** `undefined` where no volume holds it. */
  locate(digest: Digest): ContentLocation | undefined
  /** Any blob or manifest, whichever repository links it. @throws {AirliftError} `BLOB_UNKNOWN`. */
  openBlob(content: Descriptor, options: CallOptions & { readonly offset?: number }): Promise<Readable>
  /** Which archive would hold `digest`, which is in no volume, in words: `archive 1 (sha256:…)`. */
  holderOf(digest: Digest): string
  /** Entries that are neither blobs nor links, by the beginning of their names; sorted. */
  files(prefix: string): readonly ArchivedFile[]
  /** @throws {AirliftError} `ARCHIVE_INVALID` where it has more than `maxBytes`, `ARCHIVE_DAMAGED`. */
  readFile(name: string, options: CallOptions & { readonly maxBytes?: number }): Promise<Uint8Array | undefined>
}

export interface OpenArchiveOptions extends CallOptions {
  /** Take what is whole of damaged and incomplete archives; `problems` says what lacks. */
  readonly partial?: boolean
}
