/**
 * Asks the sources: every wanted image is pinned, its graph and what stands
 * beside it read. What a source refuses is recorded, and the others go on.
 */
import { isAirliftError } from '../base/errors.ts'
import { mapLimit } from '../base/map-limit.ts'
import type { ImageSource, Place } from '../content/ports.ts'
import type { Digest } from '../oci/digest.ts'
import type { Manifest } from '../oci/manifest.ts'
import type { BlockedImage, Collection, ResolvedImage, UnresolvedImage, WantedImage } from '../plan/collection.ts'
import { findAttachments } from './attachments.ts'
import { baseImage, findBase } from './base-images.ts'
import type { BaseImage } from './base-images.ts'
import { resolveGraph } from './resolve-graph.ts'

export interface CollectOptions {
  readonly signal: AbortSignal
  readonly createdAt: string
  readonly source: (place: Place, options: { readonly signal: AbortSignal }) => Promise<ImageSource>
  /** Whether signature tags of a place come along. */
  readonly takesSignatures: (place: Place) => boolean
  /** Images that nothing may be built on. */
  readonly blockedBases: readonly WantedImage[]
  /** Blocked before anything was asked. */
  readonly blocked: readonly BlockedImage[]
  /** Resolves where policy lets the image in; rejects with `POLICY_REJECTED`. */
  readonly checkPolicy: (
    image: ResolvedImage,
    manifests: readonly Manifest[],
    options: { readonly signal: AbortSignal },
  ) => Promise<void>
  readonly onCollected: (origin: string, done: number) => void
}

/** Images whose registries are asked at once; requests are limited for each host besides. */
const PARALLEL_IMAGES = 24

type Result =
  | { readonly kind: 'resolved'; readonly image: ResolvedImage; readonly manifests: readonly Manifest[] }
  | { readonly kind: 'unresolved'; readonly image: UnresolvedImage }
  | { readonly kind: 'blocked'; readonly blocked: BlockedImage }

export async function collectImages(wanted: readonly WantedImage[], options: CollectOptions): Promise<Collection> {
  const warnings = new Set<string>()
  const bases = await mapLimit(
    options.blockedBases,
    PARALLEL_IMAGES,
    (base, signal) => readBase(base, { ...options, signal }),
    options,
  )
  let done = 0
  const results = await mapLimit(
    wanted,
    PARALLEL_IMAGES,
    async (image, signal) => {
      const result = await collectOne(image, { bases, warnings, options: { ...options, signal } })
      done += 1
      options.onCollected(image.origin, done)
      return result
    },
    options,
  )
  return gather(results, options, [...warnings].toSorted())
}

async function readBase(base: WantedImage, options: CollectOptions): Promise<BaseImage> {
  const { manifests } = await resolveGraph(base, await options.source(base.place, options), options)
  return baseImage(base.origin, manifests)
}

async function collectOne(
  wanted: WantedImage,
  {
    bases,
    warnings,
    options,
  }: { readonly bases: readonly BaseImage[]; readonly warnings: Set<string>; readonly options: CollectOptions },
): Promise<Result> {
  try {
    const source = await options.source(wanted.place, options)
    const { root, manifests } = await resolveGraph(wanted, source, options)
    const base = findBase(manifests, bases)
    if (base !== undefined) return { kind: 'blocked', blocked: { image: wanted, by: `baseImage ${base.name}` } }
    const beside = await findAttachments(
      source,
      manifests.map(({ descriptor }) => descriptor.digest),
      {
        signal: options.signal,
        signatures: options.takesSignatures(wanted.place),
        onWarning: (message) => warnings.add(`${wanted.origin}: ${message}`),
      },
    )
    const image: ResolvedImage = { ...wanted, root: root.descriptor, attachments: beside.attachments }
    const all = [...manifests, ...beside.manifests]
    await options.checkPolicy(image, all, options)
    return { kind: 'resolved', image, manifests: all }
  } catch (error) {
    if (options.signal.aborted || !isAirliftError(error)) throw error
    return { kind: 'unresolved', image: { ...wanted, error } }
  }
}

function gather(results: readonly Result[], options: CollectOptions, warnings: readonly string[]): Collection {
  const manifests = new Map<Digest, Manifest>()
  for (const result of results) {
    if (result.kind === 'resolved')
      for (const manifest of result.manifests) manifests.set(manifest.descriptor.digest, manifest)
  }
  return {
    createdAt: options.createdAt,
    images: results.flatMap((result) => (result.kind === 'resolved' ? [result.image] : [])),
    unresolved: results.flatMap((result) => (result.kind === 'unresolved' ? [result.image] : [])),
    blocked: [...options.blocked, ...results.flatMap((result) => (result.kind === 'blocked' ? [result.blocked] : []))],
    manifests,
    warnings,
  }
}
