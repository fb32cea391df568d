/**
 * The lines of `mapping.txt` and `missing.txt`: `docker://SOURCE=docker://TARGET`. Pure.
 *
 * Spec: what `oc-mirror --dry-run` v2 writes; towards a disk the target is the
 * original's cache, `localhost:PORT`, which scripts of users expect there.
 */
import type { Digest } from '../oci/digest.ts'
import type { Manifest } from '../oci/manifest.ts'
import type { Collection, WantedImage } from './collection.ts'
import { nestPath } from './target.ts'
import type { TargetBase } from './target.ts'

/** One line for each image that is wanted, also those whose source refused; not for blocked ones. */
export function mappingLines(images: readonly WantedImage[], base: TargetBase): string[] {
  return [
    ...new Set(images.map((image) => `${image.source}=docker://${base.registry}/${pathOf(image, base)}:${image.tag}`)),
  ]
}

/** After the image's own line, one for each instance of its index, by digest. */
export function manifestLines(collection: Collection, base: TargetBase): string[] {
  return collection.images.flatMap((image) => {
    const [line = ''] = mappingLines([image], base)
    const from = image.source.replace(/(?:@[^@]*|:[^:/@]*)$/, '')
    return [
      line,
      ...instances(image.root.digest, collection.manifests).map(
        (digest) => `${from}@${digest}=docker://${base.registry}/${pathOf(image, base)}@${digest}`,
      ),
    ]
  })
}

function instances(root: Digest, manifests: ReadonlyMap<Digest, Manifest>): Digest[] {
  const manifest = manifests.get(root)
  return manifest?.kind === 'index' ? manifest.manifests.map(({ digest }) => digest) : []
}

function pathOf({ repository }: WantedImage, { namespace, maxNestedPaths }: TargetBase): string {
  return nestPath(namespace === '' ? repository : `${namespace}/${repository}`, maxNestedPaths)
}
