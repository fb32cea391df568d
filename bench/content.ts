/**
 * Images of any size, written straight into a registry's directory: content that
 * nothing compresses, the same for the same name.
 *
 * Layers are opaque bytes under the media type of a layer: a copy reads no more of them.
 */
import { createCipheriv, createHash } from 'node:crypto'
import { mkdir, open, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Descriptor } from '../src/oci/descriptor.ts'
import { digestHex, digestOf } from '../src/oci/digest.ts'
import type { Digest } from '../src/oci/digest.ts'
import { MEDIA_TYPE } from '../src/oci/media-type.ts'

interface LayerSpec {
  readonly name: string
  readonly size: number
}

export interface ImageSpec {
  readonly repository: string
  readonly tag: string
  readonly layers: readonly LayerSpec[]
}

const PIECE = 8 * 1024 * 1024

/** A registry's directory with these images. A layer that several name is written once. */
export async function writeImages(directory: string, images: readonly ImageSpec[]): Promise<void> {
  const layers = new Map<string, Descriptor>()
  for (const image of images) {
    for (const spec of image.layers) {
      const layer = layers.get(spec.name) ?? (await writeLayer(directory, spec))
      layers.set(spec.name, layer)
    }
    await writeImage(
      directory,
      image,
      image.layers.flatMap(({ name }) => layers.get(name) ?? []),
    )
  }
}

async function writeImage(
  directory: string,
  { repository, tag }: ImageSpec,
  layers: readonly Descriptor[],
): Promise<void> {
  const config = Buffer.from(
    JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      config: { Labels: { name: `${repository}:${tag}`, description: 'x'.repeat(2000) } },
      rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => digest) },
    }),
  )
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MEDIA_TYPE.ociManifest,
      config: { mediaType: MEDIA_TYPE.ociConfig, digest: digestOf(config), size: config.length },
      layers,
    }),
  )
  const digest = digestOf(manifest)
  const at = join(directory, 'docker/registry/v2/repositories', repository)
  for (const [bytes, name] of [
    [config, digestOf(config)],
    [manifest, digest],
  ] as const) {
    await writeAt(blobPath(directory, name), bytes)
  }
  for (const blob of [digestOf(config), ...layers.map(({ digest }) => digest)]) {
    await writeAt(join(at, '_layers/sha256', digestHex(blob), 'link'), blob)
  }
  await writeAt(join(at, '_manifests/revisions/sha256', digestHex(digest), 'link'), digest)
  await writeAt(join(at, '_manifests/tags', tag, 'current/link'), digest)
  await writeAt(join(at, '_manifests/tags', tag, 'index/sha256', digestHex(digest), 'link'), digest)
}

async function writeLayer(directory: string, { name, size }: LayerSpec): Promise<Descriptor> {
  const part = join(directory, 'part')
  await mkdir(directory, { recursive: true })
  const cipher = createCipheriv('aes-256-ctr', createHash('sha256').update(name).digest(), Buffer.alloc(16))
  const hash = createHash('sha256')
  const zeros = Buffer.alloc(Math.min(PIECE, size))
  const file = await open(part, 'w')
  try {
    for (let left = size; left > 0; left -= PIECE) {
      const bytes = cipher.update(zeros.subarray(0, left))
      hash.update(bytes)
      await file.write(bytes)
    }
  } finally {
    await file.close()
  }
  const digest = `sha256:${hash.digest('hex')}` as Digest
  await mkdir(dirname(blobPath(directory, digest)), { recursive: true })
  await rename(part, blobPath(directory, digest))
  return { mediaType: MEDIA_TYPE.ociLayerGzip, digest, size }
}

function blobPath(directory: string, digest: Digest): string {
  const hex = digestHex(digest)
  return join(directory, 'docker/registry/v2/blobs/sha256', hex.slice(0, 2), hex, 'data')
}

async function writeAt(path: string, content: string | Buffer): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, content)
}
