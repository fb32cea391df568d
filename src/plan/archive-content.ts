/**
 * What an archive of a plan is made of, before it is laid out. Pure: equal plans
 * give equal content, in an equal order.
 */
import { linkEntries } from '../archive/entry-names.ts'
import type { LinkedImage } from '../archive/entry-names.ts'
import type {
  ArchiveBlob,
  ArchiveContent,
  ArchiveFile,
  ArchiveIdentity,
  ArchiveImage,
} from '../archive/archive-types.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { digestOf } from '../oci/digest.ts'
import type { Digest } from '../oci/digest.ts'
import type { Manifest } from '../oci/manifest.ts'
import { formatPlatform } from '../oci/platform.ts'
import type { Platform } from '../oci/platform.ts'
import type { Collection, ResolvedImage } from './collection.ts'
import { imageGraph } from './image-graph.ts'
import type { GraphManifest } from './image-graph.ts'
import type { Plan, PlannedImage } from './plan-types.ts'
import { blobsOf } from './target-facts.ts'

/** Far more than any image has. */
const MAX_PLATFORMS = 1000

export interface ArchiveExtras {
  /** What earlier archives hold: left out. */
  readonly history: ReadonlySet<Digest>
  /** Of the workspace: `isc_…`, `airlift/plan.json`, `working-dir/…`. */
  readonly files: readonly ArchiveFile[]
  readonly identity: ArchiveIdentity
}

/** A plan's image with its graph. */
interface Graph {
  readonly image: PlannedImage
  readonly id: string
  readonly manifests: readonly GraphManifest[]
}

/** Links are written for every image, also where an earlier archive holds its blobs. */
export function archiveContent(plan: Plan, collection: Collection, extras: ArchiveExtras): ArchiveContent {
  const graphs = graphsOf(plan, collection)
  return {
    createdAt: plan.createdAt,
    identity: extras.identity,
    images: graphs.map((graph) => archiveImage(graph, collection.manifests)),
    blobs: blobsOfAll(graphs).filter(({ digest }) => !extras.history.has(digest)),
    files: [...extras.files.toSorted(compareFiles), ...linkEntries(graphs.map(linkedImage))],
  }
}

/** What a run is known by: equal for plans that bring the same images at the same time, whatever the target held. */
export function planDigest({ createdAt, images }: Plan): Digest {
  const facts = images.map(({ target, wanted, root, manifests }) => [
    target.repository,
    target.tag,
    wanted.kind,
    wanted.origin,
    root.digest,
    manifests.map(({ descriptor }) => descriptor.digest),
  ])
  return digestOf(Buffer.from(JSON.stringify([createdAt, facts])))
}

function graphsOf(plan: Plan, collection: Collection): readonly Graph[] {
  const key = ({ kind, origin, repository, tag }: PlannedImage['wanted']): string =>
    JSON.stringify([kind, origin, repository, tag])
  const resolved = new Map(collection.images.map((image) => [key(image), image]))
  return plan.images.map((image) => {
    const { target, wanted } = image
    const found: ResolvedImage | undefined = resolved.get(key(wanted))
    if (found === undefined) throw new Error(`${image.id} is planned and was not collected`)
    return {
      image,
      id: `${target.repository}:${target.tag}`,
      manifests: imageGraph(found, target.tag, collection.manifests),
    }
  })
}

function archiveImage({ image, id, manifests }: Graph, known: Collection['manifests']): ArchiveImage {
  const { wanted, target, root } = image
  return {
    id,
    kind: wanted.kind,
    origin: wanted.origin,
    repository: target.repository,
    tag: target.tag,
    digest: root.digest,
    platforms: platformsOf(known.get(root.digest), known),
    content: [...new Set(manifests.flatMap(({ manifest }) => contentOf(manifest).map(({ digest }) => digest)))],
  }
}

/**
 * Of an index: those that were taken, each once. The manifest of a single image does not say its own.
 * An index may say anything: what is no platform is left out, as are those of attestations, `unknown/unknown`.
 */
function platformsOf(root: Manifest | undefined, known: Collection['manifests']): readonly Platform[] {
  if (root?.kind !== 'index') return []
  const platforms = new Map<string, Platform>()
  for (const { digest, platform } of root.manifests) {
    if (platform === undefined || platform.os === 'unknown' || !known.has(digest)) continue
    const { os, architecture, variant } = platform
    const isPlain = [os, architecture, variant ?? 'none'].every((part) => /^[\w.+-]{1,64}$/.test(part))
    if (isPlain)
      platforms.set(formatPlatform(platform), { os, architecture, ...(variant !== undefined && { variant }) })
  }
  return [...platforms.values()].slice(0, MAX_PLATFORMS)
}

/** Blobs of a manifest, then itself. */
function contentOf(manifest: Manifest): readonly Descriptor[] {
  return [...blobsOf(manifest), manifest.descriptor]
}

/** In the order of the plan: what one image needs lies together. */
function blobsOfAll(graphs: readonly Graph[]): readonly ArchiveBlob[] {
  const blobs = new Map<Digest, { readonly size: number; readonly images: Set<string> }>()
  for (const { id, manifests } of graphs) {
    for (const { digest, size } of manifests.flatMap(({ manifest }) => contentOf(manifest))) {
      const blob = blobs.get(digest) ?? { size, images: new Set() }
      blob.images.add(id)
      blobs.set(digest, blob)
    }
  }
  return [...blobs].map(([digest, { size, images }]) => ({ digest, size, images: [...images].toSorted() }))
}

function linkedImage({ image, id, manifests }: Graph): LinkedImage {
  return {
    id,
    repository: image.target.repository,
    layers: manifests.flatMap(({ manifest }) => blobsOf(manifest).map(({ digest }) => digest)),
    manifests: manifests.map(({ manifest }) => manifest.descriptor.digest),
    tags: manifests.flatMap(({ manifest, tags }) => tags.map((tag) => [tag, manifest.descriptor.digest] as const)),
  }
}

/** The configuration, ours, the workspace; each by name. */
function compareFiles({ name: a }: ArchiveFile, { name: b }: ArchiveFile): number {
  const rank = (name: string): number => (name.startsWith('isc_') ? 0 : name.startsWith('airlift/') ? 1 : 2)
  return rank(a) - rank(b) || (a < b ? -1 : Number(a > b))
}
