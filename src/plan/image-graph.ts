/**
 * The manifests that one image brings, in the order in which they are pushed. Pure.
 */
import type { Digest } from '../oci/digest.ts'
import type { Manifest } from '../oci/manifest.ts'
import type { ResolvedImage } from './collection.ts'

export interface GraphManifest {
  readonly manifest: Manifest
  /** Tags to push it by, besides its digest. */
  readonly tags: readonly string[]
}

/**
 * Children before parents, the image's own root before what refers to it.
 *
 * A child of an index that the collection lacks is one that the configuration's
 * platforms leave out; an index stays as it is without it.
 */
export function imageGraph(
  image: ResolvedImage,
  tag: string,
  manifests: ReadonlyMap<Digest, Manifest>,
): readonly GraphManifest[] {
  const order = new Map<Digest, { manifest: Manifest; tags: string[] }>()
  function visit(digest: Digest, tags: readonly string[]): void {
    const seen = order.get(digest)
    if (seen !== undefined) return void seen.tags.push(...tags.filter((name) => !seen.tags.includes(name)))
    const manifest = manifests.get(digest)
    if (manifest === undefined) return
    if (manifest.kind === 'index') for (const child of manifest.manifests) visit(child.digest, [])
    order.set(digest, { manifest, tags: [...tags] })
  }
  visit(image.root.digest, [tag])
  for (const attachment of image.attachments) {
    visit(attachment.root.digest, attachment.tag === undefined ? [] : [attachment.tag])
  }
  return [...order.values()]
}
