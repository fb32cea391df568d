/**
 * One repository of a blob directory.
 *
 * Order is the invariant: a blob has its name before the link that makes it part
 * of a repository, a manifest's link comes after its bytes, a tag after the
 * manifest's link. Whoever is killed in between leaves what nobody can reach yet.
 */
import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { addAbortSignal } from 'node:stream'
import type { Readable } from 'node:stream'
import { AirliftError, hasCode, isSystemError } from '../base/errors.ts'
import { mapLimit } from '../base/map-limit.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { digestAlgorithm, digestOf, isDigest } from '../oci/digest.ts'
import type { Digest, DigestAlgorithm } from '../oci/digest.ts'
import { MAX_MANIFEST_BYTES, parseManifest } from '../oci/manifest.ts'
import type { Manifest } from '../oci/manifest.ts'
import { isTag } from '../oci/reference.ts'
import { fileSize, openBlobFile, streamBlobFile } from './blob-file.ts'
import { blobPath, ingestPath, linkPath, repositoryPaths, tagPath } from './blob-paths.ts'
import type { RepositoryPaths } from './blob-paths.ts'
import type { BlobReader, RepositoryStore, UploadSession } from './blob-store.ts'
import { DirectoryUpload } from './directory-upload.ts'
import type { UploadPlaces } from './directory-upload.ts'
import { placeFile, readLink } from './place-file.ts'
import type { CallOptions } from './ports.ts'
import { referrerDescriptor } from './referrer-descriptor.ts'
import { referrersOf } from './referrers-index.ts'
import type { RevisionFacts } from './referrers-index.ts'
import type { UploadTable } from './upload-table.ts'
import { digestMismatch, sizeMismatch } from './verify-stream.ts'

const READS_AT_ONCE = 8

export class RepositoryDirectory implements RepositoryStore {
  readonly name: string
  readonly #root: string
  readonly #paths: RepositoryPaths
  readonly #ingest: string
  readonly #uploads: UploadTable

  constructor(root: string, name: string, uploads: UploadTable) {
    this.name = name
    this.#root = root
    this.#paths = repositoryPaths(root, name)
    this.#ingest = ingestPath(root)
    this.#uploads = uploads
  }

  async exists(_options: CallOptions): Promise<boolean> {
    for (const folder of [this.#paths.manifests, this.#paths.layers, this.#paths.uploads]) {
      if (await isDirectory(folder)) return true
    }
    return false
  }

  async size(digest: Digest, _options: CallOptions): Promise<number | undefined> {
    const stored = await this.#linked(this.#paths.layers, digest)
    return stored === undefined ? undefined : fileSize(stored)
  }

  async reader(digest: Digest, _options: CallOptions): Promise<BlobReader | undefined> {
    const stored = await this.#linked(this.#paths.layers, digest)
    return stored === undefined ? undefined : openBlobFile(stored)
  }

  async open(content: Descriptor, options: CallOptions & { readonly offset?: number }): Promise<Readable> {
    const stored = await this.#linked(this.#paths.layers, content.digest)
    if (stored === undefined) throw new AirliftError('BLOB_UNKNOWN', `${this.name} has no blob ${content.digest}`)
    return streamBlobFile(stored, content.digest, options.offset ?? 0)
  }

  async has(content: Descriptor, options: CallOptions): Promise<boolean> {
    return (await this.size(content.digest, options)) === content.size
  }

  async put(content: Descriptor, bytes: Readable, options: CallOptions): Promise<void> {
    addAbortSignal(options.signal, bytes)
    try {
      const upload = await this.startUpload({ ...options, algorithm: digestAlgorithm(content.digest) })
      await receiveWhole(upload, { content, bytes }, options)
      await upload.commit(content.digest, options)
    } catch (error) {
      throw options.signal.aborted ? options.signal.reason : error
    } finally {
      bytes.destroy()
    }
  }

  async link(digest: Digest, _options: CallOptions): Promise<boolean> {
    if ((await fileSize(blobPath(this.#root, digest))) === undefined) return false
    await this.#writeLink(linkPath(this.#paths.layers, digest), digest)
    return true
  }

  async startUpload({ algorithm = 'sha256' }: { readonly algorithm?: DigestAlgorithm }): Promise<UploadSession> {
    const upload = await DirectoryUpload.start(this.#uploadPlaces(), algorithm)
    this.#uploads.add(this.name, upload)
    return upload
  }

  async upload(id: string, _options: CallOptions): Promise<UploadSession | undefined> {
    const known = this.#uploads.get(this.name, id)
    if (known !== undefined) return known
    const found = await DirectoryUpload.find(this.#uploadPlaces(), id)
    // Two requests that find the same forgotten upload must share its state.
    const first = this.#uploads.get(this.name, id)
    if (first === undefined && found !== undefined) this.#uploads.add(this.name, found)
    return first ?? found
  }

  async manifest(name: string, _options: CallOptions): Promise<Manifest | undefined> {
    const digest = await this.#resolve(name)
    const stored = digest === undefined ? undefined : await this.#linked(this.#paths.revisions, digest)
    return stored === undefined || digest === undefined ? undefined : readManifestFile(stored, digest)
  }

  async head(name: string, options: CallOptions): Promise<Descriptor | undefined> {
    return (await this.manifest(name, options))?.descriptor
  }

  async putManifest(manifest: Manifest, options: CallOptions & { readonly tag?: string }): Promise<void> {
    const { digest } = manifest.descriptor
    const tag = options.tag === undefined ? undefined : tagPath(this.#paths, options.tag)
    const target = blobPath(this.#root, digest)
    if ((await fileSize(target)) !== manifest.bytes.length) await placeFile(this.#ingest, target, manifest.bytes)
    await this.#writeLink(linkPath(this.#paths.revisions, digest), digest)
    if (tag === undefined) return
    await this.#writeLink(linkPath(join(tag, 'index'), digest), digest)
    await this.#writeLink(join(tag, 'current', 'link'), digest)
  }

  async *tags({ signal, after = '' }: CallOptions & { readonly after?: string }): AsyncGenerator<string> {
    const names = (await listNames(this.#paths.tags)).filter((name) => isTag(name) && name > after)
    for (const tag of names.toSorted(compareText)) {
      signal.throwIfAborted()
      if ((await this.#tagged(tag)) !== undefined) yield tag
    }
  }

  async referrers(digest: Digest, options: CallOptions): Promise<readonly Descriptor[]> {
    const { referrersLog: log, revisions } = this.#paths
    const factsOf = (digest: Digest, options: CallOptions): Promise<RevisionFacts> => this.#facts(digest, options)
    const candidates = await referrersOf(digest, { log, revisions, factsOf }, options)
    const manifests = await mapLimit(
      candidates.toSorted(compareText),
      READS_AT_ONCE,
      (candidate, signal) => this.manifest(candidate, { signal }),
      options,
    )
    return manifests.flatMap((manifest) => (manifest === undefined ? [] : [referrerDescriptor(manifest)]))
  }

  async deleteBlob(digest: Digest, _options: CallOptions): Promise<boolean> {
    return removeFile(linkPath(this.#paths.layers, digest))
  }

  async deleteManifest(digest: Digest, options: CallOptions): Promise<boolean> {
    const tags = (await listNames(this.#paths.tags)).filter(isTag)
    const untag = async (tag: string): Promise<void> => {
      if ((await this.#tagged(tag)) === digest) await this.deleteTag(tag, options)
    }
    await mapLimit(tags, READS_AT_ONCE, untag, options)
    return removeFile(linkPath(this.#paths.revisions, digest))
  }

  async deleteTag(tag: string, _options: CallOptions): Promise<boolean> {
    const path = tagPath(this.#paths, tag)
    // The link first: without it, what is left of a deletion that was cut short is no tag.
    const existed = await removeFile(join(path, 'current', 'link'))
    await rm(path, { recursive: true, force: true })
    return existed
  }

  async #facts(digest: Digest, options: CallOptions): Promise<RevisionFacts> {
    try {
      const manifest = await this.manifest(digest, options)
      return manifest === undefined ? 'gone' : (manifest.subject?.digest ?? 'no-subject')
    } catch (error) {
      // Another program may have stored types that cannot be read here, such as schema 1.
      if (hasCode(error, 'MANIFEST_UNSUPPORTED', 'MANIFEST_INVALID')) return 'no-subject'
      throw error
    }
  }

  async #resolve(name: string): Promise<Digest | undefined> {
    return isDigest(name) ? name : this.#tagged(name)
  }

  async #tagged(tag: string): Promise<Digest | undefined> {
    return isTag(tag) ? readLink(join(tagPath(this.#paths, tag), 'current', 'link')) : undefined
  }

  /** The file of what a link below `folder` names: distribution links a blob under each digest that it was pushed by. */
  async #linked(folder: string, digest: Digest): Promise<string | undefined> {
    const target = await readLink(linkPath(folder, digest))
    return target && blobPath(this.#root, target)
  }

  async #writeLink(path: string, digest: Digest): Promise<void> {
    if ((await readLink(path)) !== digest) await placeFile(this.#ingest, path, digest)
  }

  #uploadPlaces(): UploadPlaces {
    return {
      uploads: this.#paths.uploads,
      blobPath: (digest) => blobPath(this.#root, digest),
      onStored: async (digest, options) => void (await this.link(digest, options)),
      onEnd: (id) => this.#uploads.delete(this.name, id),
    }
  }
}

async function receiveWhole(
  upload: UploadSession,
  { content, bytes }: { readonly content: Descriptor; readonly bytes: Readable },
  options: CallOptions,
): Promise<void> {
  try {
    await upload.append(bytes, { ...options, maxSize: content.size })
    if (upload.offset !== content.size) throw sizeMismatch(content, upload.offset)
  } catch (error) {
    await upload.cancel()
    throw error
  }
}

async function readManifestFile(path: string, digest: Digest): Promise<Manifest | undefined> {
  await using reader = await openBlobFile(path)
  if (reader === undefined) return undefined
  if (reader.size > MAX_MANIFEST_BYTES) {
    throw new AirliftError('DISK_FAILED', `stored manifest ${digest} has ${reader.size} bytes, more than it may`)
  }
  const bytes = Buffer.alloc(reader.size)
  await reader.read(bytes, 0)
  const algorithm = digestAlgorithm(digest)
  const actual = digestOf(bytes, algorithm)
  if (actual === digest) return parseManifest(bytes, { algorithm })
  throw new AirliftError('DISK_FAILED', `stored manifest ${digest} has been damaged`, {
    hint: 'delete it and push the image again',
    cause: digestMismatch({ digest, size: bytes.length }, actual),
  })
}

async function removeFile(path: string): Promise<boolean> {
  try {
    await rm(path)
    return true
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return false
    throw error
  }
}

async function listNames(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return []
    throw error
  }
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return false
    throw error
  }
}

/** By code units, which for names of ASCII is the order that the specification asks for. */
function compareText(a: string, b: string): number {
  return a < b ? -1 : 1
}
