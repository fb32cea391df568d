/** Archives written from images in memory, through the writer that runs use. */
import { Readable } from 'node:stream'
import type { ArchiveContent, ArchiveLayout } from '../../src/archive/archive-types.ts'
import { openArchiveWriter } from '../../src/archive/archive-writer.ts'
import type { ArchiveWriter, ClosedArchive } from '../../src/archive/archive-writer.ts'
import { linkEntries } from '../../src/archive/entry-names.ts'
import { layoutArchive } from '../../src/archive/layout.ts'
import { digestOf } from '../../src/oci/digest.ts'
import type { Digest } from '../../src/oci/digest.ts'
import type { BuiltImage } from './random-image.ts'

export interface NamedImage {
  readonly repository: string
  readonly image: BuiltImage
}

export interface PlannedArchive {
  readonly images: readonly NamedImage[]
  readonly content: ArchiveContent
  readonly layout: ArchiveLayout
  readonly planDigest: Digest
}

export interface PlanArchiveOptions {
  readonly volumeBytes?: number
  readonly firstVolume?: number
}

export const idOf = ({ repository }: NamedImage): string => `${repository}:v1`

export function planArchive(images: readonly NamedImage[], options: PlanArchiveOptions = {}): PlannedArchive {
  const { volumeBytes = 2 ** 40, firstVolume = 1 } = options
  const needed = new Map<Digest, { size: number; images: Set<string> }>()
  for (const named of images) {
    const { manifests, blobs } = named.image
    const all = [...blobs].map(([digest, { length }]) => ({ digest, size: length }))
    for (const { digest, size } of [...all, ...manifests.map(({ descriptor }) => descriptor)]) {
      const entry = needed.get(digest) ?? { size, images: new Set() }
      entry.images.add(idOf(named))
      needed.set(digest, entry)
    }
  }
  const planDigest = digestOf(Buffer.from(JSON.stringify([...needed.keys()])))
  const content: ArchiveContent = {
    createdAt: '2026-01-16T11:15:20Z',
    identity: { id: planDigest, sequence: 1 },
    images: images.map((named) => ({
      id: idOf(named),
      kind: 'generic',
      origin: `quay.example/${named.repository}:v1`,
      repository: named.repository,
      tag: 'v1',
      digest: named.image.manifest.descriptor.digest,
      platforms: [{ os: 'linux', architecture: 'amd64' }],
      content: [...named.image.manifests.map(({ descriptor }) => descriptor.digest), ...named.image.blobs.keys()],
    })),
    blobs: [...needed].map(([digest, { size, images: ids }]) => ({ digest, size, images: [...ids].toSorted() })),
    files: [
      { name: 'airlift/plan.json', bytes: Buffer.from('{}'), images: [] },
      ...linkEntries(
        images.map((named) => ({
          id: idOf(named),
          repository: named.repository,
          layers: [...named.image.blobs.keys()],
          manifests: named.image.manifests.map(({ descriptor }) => descriptor.digest),
          tags: [['v1', named.image.manifest.descriptor.digest] as const],
        })),
      ),
    ],
  }
  return { images, content, planDigest, layout: layoutArchive(content, { volumeBytes, strict: false, firstVolume }) }
}

export interface WriteOptions {
  readonly signal?: AbortSignal
  /** Called before each blob and manifest. */
  readonly onStep?: (digest: Digest) => void
  readonly failing?: readonly NamedImage[]
  readonly record?: (closed: ClosedArchive) => Promise<void>
}

/** A run: what lacks is stored, and the archive is closed. */
export async function writeArchive(
  root: string,
  planned: PlannedArchive,
  options: WriteOptions = {},
): Promise<ClosedArchive> {
  const { signal = new AbortController().signal, failing = [], record } = options
  await using writer = await openArchiveWriter({ root, ...planned, signal })
  for (const named of planned.images) {
    if (!failing.includes(named)) await writeImage(writer, named, options)
  }
  return await writer.close({ failedImages: new Set(failing.map(idOf)), signal, ...(record && { record }) })
}

export async function writeImage(
  writer: ArchiveWriter,
  { repository, image }: NamedImage,
  { signal = new AbortController().signal, onStep }: WriteOptions = {},
): Promise<void> {
  const sink = writer.sink({ registry: 'localhost:55000', repository })
  for (const [digest, bytes] of image.blobs) {
    const content = { mediaType: 'application/octet-stream', digest, size: bytes.length }
    if (await sink.has(content, { signal })) continue
    onStep?.(digest)
    await sink.put(content, Readable.from([bytes]), { signal })
  }
  for (const manifest of image.manifests) {
    onStep?.(manifest.descriptor.digest)
    await sink.putManifest(manifest, { signal, tag: 'v1' })
  }
}
