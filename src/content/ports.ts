/**
 * The ports of content-addressed storage.
 *
 * A remote repository, an OCI layout directory, an archive and a map in memory
 * are all a source, a sink or both. Transfer code sees only these, which is why
 * push, pull, mirror-to-disk and disk-to-mirror are one function.
 */
import type { Readable } from 'node:stream'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import type { Manifest } from '../oci/manifest.ts'
import type { RepositoryName } from '../oci/reference.ts'

export interface CallOptions {
  /** Rejects the call with `signal.reason` and releases sockets and files. */
  readonly signal: AbortSignal
}

/**
 * Where a blob lies, as plain data that is valid on any machine which mounts the
 * same things: never an absolute path, a socket or a secret.
 */
export type Place =
  | ({ readonly kind: 'repository' } & RepositoryName)
  /** An OCI image layout directory, by the name under which the run knows it. */
  | { readonly kind: 'layout'; readonly name: string }
  /** A repository in the archive that the run reads or writes. */
  | { readonly kind: 'archive'; readonly repository: string }

/** A tag or a digest, as the last segment of a manifest's URL has it. */
export type TagOrDigest = string

export interface ContentSource {
  /**
   * The stored bytes of a blob from `offset` (0 unless told) to its end, unverified: the reader checks them.
   * Destroy the stream if unread.
   *
   * @throws {AirliftError} `BLOB_UNKNOWN` where it is not there.
   */
  open(content: Descriptor, options: CallOptions & { readonly offset?: number }): Promise<Readable>
}

export interface ContentSink {
  has(content: Descriptor, options: CallOptions): Promise<boolean>
  /**
   * Stores exactly `content.size` bytes hashing to `content.digest`, or nothing.
   * Owns `bytes`: destroys it on every failure.
   */
  put(content: Descriptor, bytes: Readable, options: CallOptions): Promise<void>
}

/** The names of manifests: tags, digests, and what refers to them. */
export interface TagTable {
  /** The manifest, verified against its digest; `undefined` where the repository has none of that name. */
  manifest(name: TagOrDigest, options: CallOptions): Promise<Manifest | undefined>
  /** Its descriptor without its bytes. */
  head(name: TagOrDigest, options: CallOptions): Promise<Descriptor | undefined>
  /** Every tag, in the order of the repository. */
  tags(options: CallOptions): AsyncIterable<string>
  /** Manifests whose subject is `digest`; none where the store knows no referrers. */
  referrers(digest: Digest, options: CallOptions): Promise<readonly Descriptor[]>
}

export interface ManifestSink {
  /** Stores the manifest's bytes as they are, under its digest and, where given, `tag`. Children come first. */
  putManifest(manifest: Manifest, options: CallOptions & { readonly tag?: string }): Promise<void>
}

/** One side that content comes from. */
export type ImageSource = ContentSource & TagTable

/** One side that content goes to. */
export interface ImageSink extends ContentSink, TagTable, ManifestSink {
  /**
   * Makes a blob of another repository of the same registry appear in this one, without its bytes moving.
   * `from` absent asks the registry to find it by itself.
   *
   * @returns whether the registry did; if not, nothing is left behind.
   */
  mount(content: Descriptor, options: CallOptions & { readonly from?: RepositoryName }): Promise<boolean>
}

/** One blob, from place to place. */
export interface CarryOrder {
  readonly content: Descriptor
  readonly from: Place
  readonly to: Place
}

export interface CarryOptions extends CallOptions {
  /** Bytes of this blob that have arrived so far; may go back when an attempt starts over. */
  readonly onProgress: (received: number) => void
  readonly onRetry: (event: { readonly attempt: number; readonly waitMs: number; readonly error: unknown }) => void
}

/**
 * Moves whole blobs. The order is plain data, so the bytes may move in another
 * thread; what arrives has been verified against its digest.
 */
export interface BlobCarrier {
  /** Resolves once the sink holds the whole, verified blob. Resumes inside the blob where the source can. */
  carry(order: CarryOrder, options: CarryOptions): Promise<void>
}
