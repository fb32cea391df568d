/**
 * Writes one image of an archive as an OCI image layout, each blob checked against
 * its digest on its way.
 *
 * The layout gets its `index.json` last: a directory without one is not taken for
 * an image by anybody.
 *
 * Spec: https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md
 */
import { createWriteStream } from 'node:fs'
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { writeFileAtomic } from '../base/atomic-file.ts'
import { AirliftError, isAirliftError, isSystemError } from '../base/errors.ts'
import type { CallOptions } from '../content/ports.ts'
import { VerifyStream } from '../content/verify-stream.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { digestAlgorithm, digestHex } from '../oci/digest.ts'
import type { Digest } from '../oci/digest.ts'
import { childrenOf } from '../oci/manifest.ts'
import type { Manifest } from '../oci/manifest.ts'
import { isForeignLayer, MEDIA_TYPE } from '../oci/media-type.ts'
import type { Archive, ArchiveRepository, ListedImage } from './reading-types.ts'

export interface ExtractOptions extends CallOptions {
  /** Made, or empty. */
  readonly directory: string
}

export interface ExtractedImage {
  readonly manifests: number
  readonly blobs: number
  readonly bytes: number
}

/** @throws {AirliftError} `BLOB_UNKNOWN`, `ARCHIVE_DAMAGED`, or `DISK_FAILED` where the directory is in use. */
export async function extractImage(
  archive: Archive,
  { repository, tag, digest }: ListedImage,
  { directory, signal }: ExtractOptions,
): Promise<ExtractedImage> {
  await prepare(directory)
  const source = archive.repository(repository)
  const root = await source.manifest(digest, { signal })
  if (root === undefined) throw new AirliftError('MANIFEST_UNKNOWN', `the archive has no ${digest} in ${repository}`)
  const written = new Map<Digest, number>()
  let manifests = 0
  const pending: Manifest[] = [root]
  for (let manifest = pending.pop(); manifest !== undefined; manifest = pending.pop()) {
    const { descriptor, bytes } = manifest
    if (written.has(descriptor.digest)) continue
    written.set(descriptor.digest, descriptor.size)
    manifests += 1
    await writeFileAtomic(blobFile(directory, descriptor.digest), bytes)
    if (manifest.kind === 'index') {
      // An index may be sparse: what no link names was never mirrored.
      for (const child of manifest.manifests) {
        const found = await source.manifest(child.digest, { signal })
        if (found !== undefined) pending.push(found)
      }
    } else {
      for (const blob of childrenOf(manifest).filter(({ mediaType }) => !isForeignLayer(mediaType))) {
        if (written.has(blob.digest)) continue
        written.set(blob.digest, blob.size)
        await writeBlob(source, blob, { directory, signal })
      }
    }
  }
  await writeFileAtomic(join(directory, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }))
  const annotations = { 'org.opencontainers.image.ref.name': tag }
  const index = { schemaVersion: 2, mediaType: MEDIA_TYPE.ociIndex, manifests: [{ ...root.descriptor, annotations }] }
  await writeFileAtomic(join(directory, 'index.json'), JSON.stringify(index))
  const bytes = [...written.values()].reduce((sum, size) => sum + size, 0)
  return { manifests, blobs: written.size - manifests, bytes }
}

async function prepare(directory: string): Promise<void> {
  try {
    await mkdir(directory, { recursive: true })
    if ((await readdir(directory)).length === 0) return
  } catch (error) {
    throw new AirliftError('DISK_FAILED', `cannot make the directory ${directory}`, { cause: error })
  }
  throw new AirliftError('DISK_FAILED', `the directory ${directory} is not empty`, {
    hint: 'name one that does not exist yet',
  })
}

async function writeBlob(source: ArchiveRepository, blob: Descriptor, options: ExtractOptions): Promise<void> {
  const path = blobFile(options.directory, blob.digest)
  const partial = `${path}.partial`
  try {
    await mkdir(dirname(path), { recursive: true })
    if (blob.size === 0) await writeFile(partial, '')
    else {
      const bytes = await source.open(blob, options)
      await pipeline(bytes, new VerifyStream(blob), createWriteStream(partial), { signal: options.signal })
    }
    await rename(partial, path)
  } catch (error) {
    await rm(partial, { force: true })
    if (options.signal.aborted || isAirliftError(error) || !isSystemError(error, ...DISK_ERRORS)) throw error
    throw new AirliftError('DISK_FAILED', `cannot write ${path}`, { cause: error })
  }
}

const DISK_ERRORS = ['ENOSPC', 'EDQUOT', 'EACCES', 'EPERM', 'EROFS', 'EIO'] as const

function blobFile(directory: string, digest: Digest): string {
  return join(directory, 'blobs', digestAlgorithm(digest), digestHex(digest))
}
