/**
 * Images built on an unwanted base, known by their layers: an image is blocked
 * where its layers begin with all of the base's.
 */
import type { Manifest } from '../oci/manifest.ts'

export interface BaseImage {
  /** As configured. */
  readonly name: string
  /** Layer digests of each instance, joined: what `layersOf` makes of them. */
  readonly layers: readonly string[]
}

export function baseImage(name: string, manifests: readonly Manifest[]): BaseImage {
  return { name, layers: manifests.flatMap(layersOf).filter((layers) => layers !== '') }
}

/** The base that one of an image's instances is built on, or is. */
export function findBase(manifests: readonly Manifest[], bases: readonly BaseImage[]): BaseImage | undefined {
  const instances = manifests.flatMap(layersOf)
  return bases.find(({ layers }) => layers.some((base) => instances.some((instance) => instance.startsWith(base))))
}

/** Digests end alike, so that one list is a prefix of another exactly where its text is. */
function layersOf(manifest: Manifest): readonly string[] {
  return manifest.kind === 'index' ? [] : [manifest.layers.map(({ digest }) => `${digest} `).join('')]
}
