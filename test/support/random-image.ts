/**
 * Images built from a seed: the same options give the same bytes, digests included.
 *
 * Layers are real gzipped tars and configurations have true `diff_ids`, so any tool accepts them. Nothing here
 * talks to a registry: `push-image.ts` does.
 */
import { createCipheriv, createHash, sign } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import type { Descriptor } from '../../src/oci/descriptor.ts'
import { digestHex, digestOf } from '../../src/oci/digest.ts'
import type { Digest } from '../../src/oci/digest.ts'
import { parseManifest } from '../../src/oci/manifest.ts'
import type { Manifest } from '../../src/oci/manifest.ts'
import { MEDIA_TYPE } from '../../src/oci/media-type.ts'
import type { Platform } from '../../src/oci/platform.ts'

export interface BuiltImage {
  /** The root: what a tag points at. */
  readonly manifest: Manifest
  /** Every manifest, children before parents; the root is last. */
  readonly manifests: readonly Manifest[]
  /** Configurations and layers of all manifests. */
  readonly blobs: ReadonlyMap<Digest, Buffer>
}

export interface RandomImageOptions {
  readonly seed: number
  /** Layers; 2 by default. */
  readonly layers?: number
  /** Bytes of the one file in each layer, which gzip cannot shrink; 4096 by default. A layer is some 200 bytes larger. */
  readonly bytes?: number
  /** `linux/amd64` by default. */
  readonly platform?: Platform
  /** `oci` by default. */
  readonly mediaTypes?: 'oci' | 'docker'
  /** So many of the layers, from the bottom, are the same in all images with equal `bytes`: a common base. 0 by default. */
  readonly sharedLayers?: number
}

export interface RandomIndexOptions extends Omit<RandomImageOptions, 'platform'> {
  readonly platforms: readonly Platform[]
}

/** What belongs to an image, and is found by a tag made from its digest. */
export interface TaggedAttachment {
  readonly image: BuiltImage
  /** `sha256-<hex>.sig`, or without suffix for a list of referrers. */
  readonly tag: string
}

export function randomImage(options: RandomImageOptions): BuiltImage {
  const { seed, layers = 2, bytes = 4096, mediaTypes = 'oci', sharedLayers = 0 } = options
  const { os, architecture, variant } = options.platform ?? { os: 'linux', architecture: 'amd64' }
  const types = TYPES[mediaTypes]
  const built = Array.from({ length: layers }, (_, index) =>
    randomLayer(
      bytes,
      index < sharedLayers ? `base/${index}` : `${seed}/${os}/${architecture}/${variant ?? ''}/${index}`,
    ),
  )
  const config = Buffer.from(
    JSON.stringify({
      architecture,
      os,
      ...(variant !== undefined && { variant }),
      created: '2026-01-01T00:00:00Z',
      config: { Labels: { seed: String(seed) } },
      rootfs: { type: 'layers', diff_ids: built.map(({ diffId }) => diffId) },
    }),
  )
  return assemble(
    {
      schemaVersion: 2,
      mediaType: types.manifest,
      config: describe(types.config, config),
      layers: built.map(({ blob }) => describe(types.layer, blob)),
    },
    [config, ...built.map(({ blob }) => blob)],
  )
}

/** An image of each platform, and the index over them. */
export function randomIndex({ platforms, ...options }: RandomIndexOptions): BuiltImage {
  const images = platforms.map((platform) => randomImage({ ...options, platform }))
  const index = assemble({
    schemaVersion: 2,
    mediaType: TYPES[options.mediaTypes ?? 'oci'].index,
    manifests: images.map(({ manifest }, at) => ({ ...manifest.descriptor, platform: platforms[at] })),
  })
  return withChildren(index.manifest, images)
}

/**
 * A signature as `cosign sign` attaches it: a manifest under a tag made from the digest of what is signed.
 *
 * @param options.key signs the payload; without it the signature is of the right form but proves nothing.
 */
export function attachSignature(
  image: BuiltImage,
  options: { readonly reference?: string; readonly key?: KeyObject } = {},
): TaggedAttachment {
  const { digest } = image.manifest.descriptor
  const payload = Buffer.from(
    JSON.stringify({
      critical: {
        identity: { 'docker-reference': options.reference ?? 'registry.example/signed' },
        image: { 'docker-manifest-digest': digest },
        type: 'cosign container image signature',
      },
      optional: null,
    }),
  )
  const signature =
    options.key === undefined ? randomBytes(71, `signature/${digest}`) : sign('sha256', payload, options.key)
  const config = Buffer.from(
    JSON.stringify({ architecture: '', os: '', config: {}, rootfs: { type: 'layers', diff_ids: [digestOf(payload)] } }),
  )
  const layer = {
    ...describe('application/vnd.dev.cosign.simplesigning.v1+json', payload),
    annotations: { 'dev.cosignproject.cosign/signature': signature.toString('base64') },
  }
  return {
    image: assemble(
      {
        schemaVersion: 2,
        mediaType: MEDIA_TYPE.ociManifest,
        config: describe(MEDIA_TYPE.ociConfig, config),
        layers: [layer],
      },
      [config, payload],
    ),
    tag: `${digest.replace(':', '-')}.sig`,
  }
}

/** An artifact whose `subject` is the image, such as an SBOM. */
export function attachReferrer(
  image: BuiltImage,
  options: { readonly artifactType?: string; readonly seed?: number } = {},
): BuiltImage {
  const { artifactType = 'application/spdx+json', seed = 1 } = options
  const config = Buffer.from('{}')
  const document = Buffer.from(JSON.stringify({ document: randomBytes(64, `referrer/${seed}`).toString('hex') }))
  return assemble(
    {
      schemaVersion: 2,
      mediaType: MEDIA_TYPE.ociManifest,
      artifactType,
      config: describe(MEDIA_TYPE.ociEmpty, config),
      layers: [describe(artifactType, document)],
      subject: image.manifest.descriptor,
    },
    [config, document],
  )
}

/** The index in which a registry without a referrers API lists the referrers of an image, with them. */
export function referrersIndex(image: BuiltImage, referrers: readonly BuiltImage[]): TaggedAttachment {
  const manifests = referrers.map(({ manifest }) => manifest.descriptor)
  const index = assemble({ schemaVersion: 2, mediaType: MEDIA_TYPE.ociIndex, manifests })
  return { image: withChildren(index.manifest, referrers), tag: image.manifest.descriptor.digest.replace(':', '-') }
}

/** Bytes that nothing compresses, the same for the same name. */
export function randomBytes(length: number, name: string): Buffer {
  const key = createHash('sha256').update(name).digest()
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(length))
}

const TYPES = {
  oci: {
    manifest: MEDIA_TYPE.ociManifest,
    index: MEDIA_TYPE.ociIndex,
    config: MEDIA_TYPE.ociConfig,
    layer: MEDIA_TYPE.ociLayerGzip,
  },
  docker: {
    manifest: MEDIA_TYPE.dockerManifest,
    index: MEDIA_TYPE.dockerIndex,
    config: MEDIA_TYPE.dockerConfig,
    layer: MEDIA_TYPE.dockerLayerGzip,
  },
} as const

function assemble(json: Readonly<Record<string, unknown>>, blobs: readonly Buffer[] = []): BuiltImage {
  const manifest = parseManifest(Buffer.from(JSON.stringify(json)))
  return { manifest, manifests: [manifest], blobs: new Map(blobs.map((blob) => [digestOf(blob), blob])) }
}

function withChildren(manifest: Manifest, children: readonly BuiltImage[]): BuiltImage {
  return {
    manifest,
    manifests: [...children.flatMap(({ manifests }) => manifests), manifest],
    blobs: new Map(children.flatMap(({ blobs }) => [...blobs])),
  }
}

function describe(mediaType: string, blob: Buffer): Descriptor {
  return { mediaType, digest: digestOf(blob), size: blob.length }
}

function randomLayer(bytes: number, name: string): { readonly blob: Buffer; readonly diffId: Digest } {
  const content = randomBytes(bytes, name)
  const tar = Buffer.concat([
    tarHeader(`files/${digestHex(digestOf(content)).slice(0, 12)}`, bytes),
    content,
    Buffer.alloc(((512 - (bytes % 512)) % 512) + 1024),
  ])
  return { blob: gzipSync(tar, { level: 1 }), diffId: digestOf(tar) }
}

/** Ustar header of a plain file. */
function tarHeader(path: string, size: number): Buffer {
  const header = Buffer.alloc(512)
  header.write(path, 0)
  header.write('0000644\0', 100)
  header.write('0000000\0', 108)
  header.write('0000000\0', 116)
  header.write(`${size.toString(8).padStart(11, '0')}\0`, 124)
  header.write('00000000000\0', 136)
  header.write('        ', 148)
  header.write('0', 156)
  header.write('ustar\u000000', 257)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return header
}
