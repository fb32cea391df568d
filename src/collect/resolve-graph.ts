/**
 * From a name to all the manifests that it means: the tag is pinned here, once.
 */
import { AirliftError } from '../base/errors.ts'
import { mapLimit } from '../base/map-limit.ts'
import type { ImageSource } from '../content/ports.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import { childrenOf } from '../oci/manifest.ts'
import type { Manifest } from '../oci/manifest.ts'
import { isManifestMediaType } from '../oci/media-type.ts'
import { formatPlatform, matchesPlatform } from '../oci/platform.ts'
import type { Platform } from '../oci/platform.ts'
import type { WantedImage } from '../plan/collection.ts'

/** Indexes within indexes that are followed. */
const MAX_DEPTH = 8
/** Manifests that one image may reach. */
const MAX_MANIFESTS = 2000
const PARALLEL_CHILDREN = 8

/**
 * The root and everything below it, instances left out by `platforms` excepted.
 *
 * @throws {AirliftError} `MANIFEST_UNKNOWN`, `PLATFORM_ABSENT`, `MANIFEST_UNSUPPORTED`, or what the source threw.
 */
export async function resolveGraph(
  image: WantedImage,
  source: ImageSource,
  options: { readonly signal: AbortSignal },
): Promise<{ readonly root: Manifest; readonly manifests: readonly Manifest[] }> {
  const root = await source.manifest(image.name, options)
  if (root === undefined) throw unknownManifest(image.name, image.origin)
  const found = new Map<Digest, Manifest>([[root.descriptor.digest, root]])

  async function walk(parent: Manifest, depth: number, signal: AbortSignal): Promise<void> {
    if (parent.kind !== 'index') return
    if (depth >= MAX_DEPTH)
      throw new AirliftError('MANIFEST_INVALID', `${image.origin}: indexes are nested deeper than ${MAX_DEPTH}`)
    const wanted = choose(parent.manifests, image.platforms).filter(({ digest }) => !found.has(digest))
    if (found.size + wanted.length > MAX_MANIFESTS) {
      throw new AirliftError('MANIFEST_INVALID', `${image.origin}: more than ${MAX_MANIFESTS} manifests in one image`)
    }
    const children = await mapLimit(
      wanted,
      PARALLEL_CHILDREN,
      (child, inner) => readChild(image, source, child, inner),
      { signal },
    )
    for (const child of children) found.set(child.descriptor.digest, child)
    for (const child of children) await walk(child, depth + 1, signal)
  }
  await walk(root, 0, options.signal)
  if (image.platforms !== undefined) requireImages(image, image.platforms, found)
  return { root, manifests: [...found.values()] }
}

/** An index within an index has no platform of its own, and is looked into. */
function choose(children: readonly Descriptor[], platforms: readonly Platform[] | undefined): readonly Descriptor[] {
  if (platforms === undefined) return children
  return children.filter(
    ({ platform }) => platform === undefined || platforms.some((wanted) => matchesPlatform(platform, wanted)),
  )
}

async function readChild(
  image: WantedImage,
  source: ImageSource,
  child: Descriptor,
  signal: AbortSignal,
): Promise<Manifest> {
  if (!isManifestMediaType(child.mediaType)) {
    throw new AirliftError(
      'MANIFEST_UNSUPPORTED',
      `${image.origin}: its index names ${child.digest} of type ${JSON.stringify(child.mediaType)}`,
    )
  }
  const manifest = await source.manifest(child.digest, { signal })
  if (manifest === undefined) throw unknownManifest(child.digest, image.origin)
  return manifest
}

function requireImages(image: WantedImage, platforms: readonly Platform[], found: ReadonlyMap<Digest, Manifest>): void {
  const descriptors = [...found.values()].flatMap((manifest) => (manifest.kind === 'index' ? childrenOf(manifest) : []))
  if (descriptors.length === 0) return
  const absent = platforms.filter(
    (wanted) => !descriptors.some(({ platform }) => platform !== undefined && matchesPlatform(platform, wanted)),
  )
  if (absent.length === 0) return
  const there = new Set(
    descriptors.flatMap(({ platform }) => (platform === undefined ? [] : [formatPlatform(platform)])),
  )
  throw new AirliftError(
    'PLATFORM_ABSENT',
    `${image.origin}: no instances found for platform ${absent.map(formatPlatform).join(', ')}`,
    {
      hint: `choose from ${[...there].join(', ')}`,
    },
  )
}

function unknownManifest(name: string, origin: string): AirliftError {
  return new AirliftError('MANIFEST_UNKNOWN', `reading manifest ${name} in ${origin}: manifest unknown`, {
    hint: 'check the name, or take the image out of the configuration',
  })
}
