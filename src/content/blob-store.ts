/**
 * The ports of a registry's storage: blobs by digest, and the repositories that
 * name them.
 *
 * Nothing here assumes renaming, appending to finished content or a shared file
 * system, so that an object store can be one too. What a call stored is whole and
 * verified, or it is not there.
 */
import type { CallOptions, ContentSink, ContentSource, ManifestSink, TagTable } from './ports.ts'
import type { Digest, DigestAlgorithm } from '../oci/digest.ts'

/** One blob, open for reading at any position. Whoever opened it disposes of it. */
export interface BlobReader extends AsyncDisposable {
  readonly size: number
  /** Fills `slab` with the bytes from `position` on; fewer only at the end. Answers at once where that is cheaper. */
  read(slab: Uint8Array, position: number): number | Promise<number>
}

/** Blobs by digest, whichever repository names them. */
export interface BlobLookup extends ContentSource {
  /** Bytes of the blob; `undefined` where it is not there. */
  size(digest: Digest, options: CallOptions): Promise<number | undefined>
}

export interface BlobStore extends BlobLookup {
  /** @throws {AirliftError} `NAME_INVALID`. A repository exists once something is stored in it. */
  repository(name: string): RepositoryStore
}

/** A blob that is arriving, over one or several calls. */
export interface UploadSession {
  readonly id: string
  /** Bytes that have arrived. */
  readonly offset: number
  /**
   * Adds what `chunks` yields; a chunk is not looked at again after the next is asked for.
   * Where it fails, bytes that had arrived stay, and `offset` counts them.
   *
   * @throws {AirliftError} `SIZE_MISMATCH` once the upload exceeds `maxSize`; `BLOB_UPLOAD_INVALID` where
   *   another call is adding.
   */
  append(chunks: AsyncIterable<Uint8Array>, options: CallOptions & { readonly maxSize?: number }): Promise<void>
  /**
   * Makes the blob part of the repository and ends the session, also where the digest is not that of the bytes.
   *
   * @throws {AirliftError} `DIGEST_MISMATCH`.
   */
  commit(digest: Digest, options: CallOptions): Promise<void>
  cancel(): Promise<void>
}

export interface RepositoryStore extends ContentSource, ContentSink, TagTable, ManifestSink {
  readonly name: string
  exists(options: CallOptions): Promise<boolean>

  /** Bytes of a blob of this repository; `undefined` where it has none of that digest. */
  size(digest: Digest, options: CallOptions): Promise<number | undefined>
  /** The blob, if this repository has it. */
  reader(digest: Digest, options: CallOptions): Promise<BlobReader | undefined>
  /** Makes a blob of the store part of this repository; `false` where the store has none of that digest. */
  link(digest: Digest, options: CallOptions): Promise<boolean>

  /** `algorithm` is that of the expected digest: another one costs reading the blob again. */
  startUpload(options: CallOptions & { readonly algorithm?: DigestAlgorithm }): Promise<UploadSession>
  /** `undefined` where no such upload is under way; `id` may be any text. */
  upload(id: string, options: CallOptions): Promise<UploadSession | undefined>

  /** Every tag after `after`, in ASCII order. */
  tags(options: CallOptions & { readonly after?: string }): AsyncIterable<string>

  /** Each answers whether there was something to delete. Blobs stay in the store until it is swept. */
  deleteBlob(digest: Digest, options: CallOptions): Promise<boolean>
  /** Takes the tags that name the manifest along. */
  deleteManifest(digest: Digest, options: CallOptions): Promise<boolean>
  deleteTag(tag: string, options: CallOptions): Promise<boolean>
}
