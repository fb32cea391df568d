/**
 * An OCI image layout directory as a source of images.
 *
 * Nothing in it is believed: manifests are compared with the digests that name
 * them, sizes with the descriptors, and no path leaves the directory. Like other
 * tools of the field it reads directories without the `oci-layout` marker; one
 * that is there must be of version 1.
 *
 * Spec: https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md
 */
import { realpath } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { AirliftError, hasCode } from '../base/errors.ts'
import { mapLimit } from '../base/map-limit.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { digestAlgorithm, digestHex, isDigest } from '../oci/digest.ts'
import type { Digest } from '../oci/digest.ts'
import { MAX_MANIFEST_BYTES, parseManifest } from '../oci/manifest.ts'
import type { IndexManifest, Manifest } from '../oci/manifest.ts'
import { MEDIA_TYPE } from '../oci/media-type.ts'
import { openLayoutFile, readLayoutFile } from './layout-file.ts'
import type { CallOptions, ImageSource } from './ports.ts'
import { referrerDescriptor } from './referrer-descriptor.ts'

const REF_NAME = 'org.opencontainers.image.ref.name'
const MAX_MARKER_BYTES = 4096
const READS_AT_ONCE = 8

/**
 * Its manifests go by digest, by the ref-name annotation in `index.json`, or by
 * `''`: the only image that `index.json` lists, or, where it lists several,
 * `index.json` itself as an index of them.
 *
 * @throws {AirliftError} `LAYOUT_INVALID`.
 */
export async function openLayout(directory: string, { signal }: CallOptions): Promise<ImageSource> {
  const root = await resolveRoot(directory)
  signal.throwIfAborted()
  checkMarker(root, await readLayoutFile(root, 'oci-layout', MAX_MARKER_BYTES))
  const bytes = await readLayoutFile(root, 'index.json', MAX_MANIFEST_BYTES)
  if (bytes === undefined) throw notLayout(root, 'it has no index.json')
  return new LayoutDirectory(root, parseIndex(root, bytes))
}

class LayoutDirectory implements ImageSource {
  readonly #root: string
  readonly #index: IndexManifest

  constructor(root: string, index: IndexManifest) {
    this.#root = root
    this.#index = index
  }

  async open(content: Descriptor, { offset = 0 }: CallOptions & { readonly offset?: number }): Promise<Readable> {
    const file = await openLayoutFile(this.#root, blobName(content.digest))
    if (file === undefined) throw new AirliftError('BLOB_UNKNOWN', `${this.#root} has no blob ${content.digest}`)
    if (file.size !== content.size) {
      await file.handle.close()
      throw new AirliftError(
        'LAYOUT_INVALID',
        `blob ${content.digest} in ${this.#root} has ${file.size} bytes, its descriptor says ${content.size}`,
      )
    }
    return file.handle.createReadStream({ start: offset, highWaterMark: 256 * 1024 })
  }

  async manifest(name: string, _options: CallOptions): Promise<Manifest | undefined> {
    const found = this.#find(name)
    if (found?.digest === this.#index.descriptor.digest) return this.#index
    return found && this.#read(found)
  }

  async head(name: string, options: CallOptions): Promise<Descriptor | undefined> {
    return (await this.manifest(name, options))?.descriptor
  }

  async *tags(_options: CallOptions): AsyncGenerator<string> {
    yield* new Set(this.#index.manifests.map(refName).filter((name) => name !== undefined))
  }

  async referrers(digest: Digest, options: CallOptions): Promise<readonly Descriptor[]> {
    const found = await mapLimit(
      this.#index.manifests,
      READS_AT_ONCE,
      async (listed) => {
        const manifest = await this.#readIfKnown(listed)
        return manifest?.subject?.digest === digest ? [referrerDescriptor(manifest)] : []
      },
      options,
    )
    return found.flat()
  }

  #find(name: string): (Partial<Descriptor> & { readonly digest: Digest }) | undefined {
    const { manifests, descriptor } = this.#index
    if (name === '') {
      const isSingle = new Set(manifests.map(({ digest }) => digest)).size === 1
      return isSingle ? manifests[0] : descriptor
    }
    if (!isDigest(name)) return manifests.find((listed) => refName(listed) === name)
    return manifests.find(({ digest }) => digest === name) ?? { digest: name }
  }

  /** Content of types that are no manifests' may be listed too; it refers to nothing. */
  async #readIfKnown(listed: Descriptor): Promise<Manifest | undefined> {
    try {
      return await this.#read(listed)
    } catch (error) {
      if (hasCode(error, 'MANIFEST_UNSUPPORTED')) return undefined
      throw error
    }
  }

  async #read({
    digest,
    size,
    mediaType,
  }: Partial<Descriptor> & { readonly digest: Digest }): Promise<Manifest | undefined> {
    const bytes = await readLayoutFile(this.#root, blobName(digest), MAX_MANIFEST_BYTES)
    if (bytes === undefined) return undefined
    if (size !== undefined && size !== bytes.length) {
      throw new AirliftError(
        'LAYOUT_INVALID',
        `manifest ${digest} in ${this.#root} has ${bytes.length} bytes, index.json says ${size}`,
      )
    }
    const manifest = parseManifest(bytes, { mediaType, algorithm: digestAlgorithm(digest) })
    if (manifest.descriptor.digest !== digest) {
      throw new AirliftError('LAYOUT_INVALID', `manifest ${digest} in ${this.#root} is ${manifest.descriptor.digest}`, {
        hint: 'write the layout again: its files have been changed',
      })
    }
    return manifest
  }
}

async function resolveRoot(directory: string): Promise<string> {
  try {
    return await realpath(directory)
  } catch (error) {
    throw new AirliftError('LAYOUT_INVALID', `cannot open the image layout ${directory}`, {
      cause: error,
      hint: 'give the path of a directory that has an index.json',
    })
  }
}

function checkMarker(root: string, bytes: Buffer | undefined): void {
  if (bytes === undefined) return
  let version: unknown
  try {
    version = (JSON.parse(bytes.toString('utf8')) as { readonly imageLayoutVersion?: unknown }).imageLayoutVersion
  } catch (error) {
    throw notLayout(root, 'its oci-layout file is not JSON', error)
  }
  if (typeof version !== 'string' || !/^1\.\d/.test(version)) {
    throw notLayout(root, `its version is ${JSON.stringify(version)?.slice(0, 40)}, not 1.x`)
  }
}

function parseIndex(root: string, bytes: Buffer): IndexManifest {
  let index: Manifest
  try {
    index = parseManifest(bytes, { mediaType: MEDIA_TYPE.ociIndex })
  } catch (error) {
    throw notLayout(root, 'its index.json cannot be read', error)
  }
  if (index.kind !== 'index') throw notLayout(root, 'its index.json lists no images')
  if (index.manifests.length === 0) throw notLayout(root, 'its index.json is empty')
  return index
}

function refName({ annotations }: Descriptor): string | undefined {
  const name: unknown = annotations?.[REF_NAME]
  return typeof name === 'string' && name !== '' ? name : undefined
}

function blobName(digest: Digest): string {
  return join('blobs', digestAlgorithm(digest), digestHex(digest))
}

function notLayout(root: string, why: string, cause?: unknown): AirliftError {
  return new AirliftError('LAYOUT_INVALID', `${root} is not an OCI image layout: ${why}`, { cause })
}
