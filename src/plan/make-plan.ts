/**
 * The plan: everything a run will copy, decided before a byte moves.
 *
 * Pure. Inputs are facts that `collect/` gathered; output is data that `--dry-run`
 * prints, `transfer/` executes and `cluster-resources/` describes. Equal inputs
 * give an equal plan, in an order that does not depend on theirs.
 */
import { AirliftError, isAirliftError } from '../base/errors.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import { IMAGE_KINDS } from './collection.ts'
import type { Collection, ImageKind, ResolvedImage, UnresolvedImage } from './collection.ts'
import { addBytes, countBytes, NO_BYTES } from './count-bytes.ts'
import { imageGraph } from './image-graph.ts'
import type { Plan, PlannedBlob, PlannedImage, PlannedManifest, PlanTotals } from './plan-types.ts'
import { blobsOf, holds } from './target-facts.ts'
import type { TargetFacts } from './target-facts.ts'
import { formatTarget, targetOf } from './target.ts'
import type { TargetBase, TargetName } from './target.ts'

/** An image with its target, before bytes are counted. */
interface Placed {
  readonly image: ResolvedImage
  readonly target: TargetName
  readonly manifests: readonly PlannedManifest[]
}

export function makePlan(collection: Collection, base: TargetBase, facts: TargetFacts): Plan {
  const { placed, refused } = placeImages(collection, base, facts)
  const blobs = plannedBlobs(placed, facts)
  const images = countAll(placed, blobs)
  return {
    createdAt: collection.createdAt,
    images,
    unresolved: [...collection.unresolved, ...refused].toSorted(compare(({ kind, origin }) => [kind, origin])),
    blocked: collection.blocked,
    blobs,
    totals: totalsOf(images, blobs),
    warnings: collection.warnings,
  }
}

/** Blobs whose presence decides what is fetched: `[repository, blob]`, each blob asked for once, where it would go first. */
export function blobsToAsk(
  collection: Collection,
  base: TargetBase,
  facts: TargetFacts,
): readonly { readonly repository: string; readonly content: Descriptor }[] {
  return plannedBlobs(placeImages(collection, base, facts).placed, facts)
    .filter(({ heldBy }) => heldBy.length === 0)
    .map(({ content, wantedBy }) => ({ repository: wantedBy[0] ?? '', content }))
}

function placeImages(
  collection: Collection,
  base: TargetBase,
  facts: TargetFacts,
): { placed: readonly Placed[]; refused: readonly UnresolvedImage[] } {
  const byId = new Map<string, Placed>()
  const refused: UnresolvedImage[] = []
  for (const image of collection.images.toSorted(compare(({ kind, origin }) => [kind, origin]))) {
    try {
      const target = targetOf(image, base)
      const id = formatTarget(target)
      const other = byId.get(id)
      if (other !== undefined && other.image.root.digest !== image.root.digest) throw twoImages(id, other.image, image)
      if (other === undefined)
        byId.set(id, { image, target, manifests: plannedManifests(image, target, { collection, facts }) })
    } catch (error) {
      if (!isAirliftError(error)) throw error
      refused.push({ ...image, error })
    }
  }
  const placed = [...byId.values()].toSorted(compare(({ image, target }) => [image.kind, formatTarget(target)]))
  return { placed, refused }
}

function twoImages(id: string, first: ResolvedImage, second: ResolvedImage): AirliftError {
  return new AirliftError(
    'NAME_INVALID',
    `${second.origin} and ${first.origin} are different images for one target, ${id}`,
    {
      hint: 'give one of them a targetRepo or a targetTag of its own',
    },
  )
}

function plannedManifests(
  image: ResolvedImage,
  target: TargetName,
  { collection, facts }: { readonly collection: Collection; readonly facts: TargetFacts },
): PlannedManifest[] {
  return imageGraph(image, target.tag, collection.manifests).map(({ manifest, tags }) => ({
    descriptor: manifest.descriptor,
    manifests: manifest.kind === 'index' ? manifest.manifests.map(({ digest }) => digest) : [],
    blobs: blobsOf(manifest),
    present: holds(facts.manifests, target.repository, manifest.descriptor.digest),
    tags: tags.filter((tag) => facts.tags.get(`${target.repository}:${tag}`) !== manifest.descriptor.digest),
  }))
}

function plannedBlobs(placed: readonly Placed[], facts: TargetFacts): PlannedBlob[] {
  const table = new Map<Digest, { content: Descriptor; wantedBy: Set<string>; heldBy: Set<string> }>()
  for (const { target, manifests } of placed) {
    for (const { blobs, present } of manifests) {
      for (const content of blobs) {
        const entry = table.get(content.digest) ?? { content, wantedBy: new Set(), heldBy: new Set() }
        table.set(content.digest, entry)
        const held = present || holds(facts.blobs, target.repository, content.digest)
        ;(held ? entry.heldBy : entry.wantedBy).add(target.repository)
      }
    }
  }
  return [...table.values()]
    .map(({ content, wantedBy, heldBy }) => ({
      content,
      wantedBy: [...wantedBy.difference(heldBy)],
      heldBy: [...heldBy].toSorted(),
    }))
    .toSorted((a, b) => (a.content.digest < b.content.digest ? -1 : 1))
}

function countAll(placed: readonly Placed[], blobs: readonly PlannedBlob[]): PlannedImage[] {
  const byDigest = new Map(blobs.map((blob) => [blob.content.digest, blob]))
  const uses = new Map<Digest, number>()
  for (const { manifests } of placed)
    for (const digest of distinctBlobs(manifests)) uses.set(digest, (uses.get(digest) ?? 0) + 1)
  const brought = new Map<Digest, Set<string>>()
  return placed.map(({ image, target, manifests }) => ({
    id: formatTarget(target),
    wanted: image,
    target,
    root: image.root,
    sources: [image.place],
    manifests,
    bytes: countBytes(
      [...distinctBlobs(manifests)].flatMap((digest) => byDigest.get(digest) ?? []),
      { repository: target.repository, uses, brought },
    ),
    state: manifests.every(({ present, tags }) => present && tags.length === 0) ? 'present' : 'copy',
  }))
}

function distinctBlobs(manifests: readonly PlannedManifest[]): Set<Digest> {
  return new Set(manifests.flatMap(({ blobs }) => blobs.map(({ digest }) => digest)))
}

function totalsOf(images: readonly PlannedImage[], blobs: readonly PlannedBlob[]): PlanTotals {
  const sizes = blobs.reduce((sum, { content }) => sum + content.size, 0)
  const sum = images.map(({ bytes }) => bytes).reduce(addBytes, NO_BYTES)
  return {
    images: images.length,
    present: images.filter(({ state }) => state === 'present').length,
    manifests: new Set(images.flatMap(({ manifests }) => manifests.map(({ descriptor }) => descriptor.digest))).size,
    blobs: blobs.length,
    bytes: { ...sum, total: sizes, shared: sizes - sum.unique },
  }
}

/** Kinds in the order in which they are copied, then by text. */
function compare<T>(keyOf: (item: T) => readonly [ImageKind, string]): (a: T, b: T) => number {
  return (a, b) => {
    const [[kindA, textA], [kindB, textB]] = [keyOf(a), keyOf(b)]
    if (kindA !== kindB) return IMAGE_KINDS.indexOf(kindA) - IMAGE_KINDS.indexOf(kindB)
    return textA < textB ? -1 : Number(textA > textB)
  }
}
