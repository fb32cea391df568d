/**
 * Where an image goes: the target's registry and namespace before the
 * repository that its kind gives it. Pure.
 *
 * Spec: the destination rules of `oc-mirror` v2, `docs/configuration.md`.
 */
import { AirliftError } from '../base/errors.ts'
import { isRepository, isTag } from '../oci/reference.ts'
import type { RepositoryName } from '../oci/reference.ts'
import type { WantedImage } from './collection.ts'

export interface TargetBase {
  readonly registry: string
  /** '' where the registry itself is the target. */
  readonly namespace: string
  /** Most path components of a repository; 0 for as many as there are. */
  readonly maxNestedPaths: number
}

export type TargetName = RepositoryName & { readonly tag: string }

/** @throws {AirliftError} `NAME_INVALID` where no registry would take the name. */
export function targetOf(image: Pick<WantedImage, 'origin' | 'repository' | 'tag'>, base: TargetBase): TargetName {
  const path = base.namespace === '' ? image.repository : `${base.namespace}/${image.repository}`
  const repository = nestPath(path, base.maxNestedPaths)
  if (!isRepository(repository) || !isTag(image.tag)) {
    throw new AirliftError('NAME_INVALID', `${image.origin}: no registry takes the name ${repository}:${image.tag}`, {
      hint: 'set targetRepo and targetTag of this image to lower case names',
    })
  }
  return { registry: base.registry, repository, tag: image.tag }
}

/** `a/b/c/d` with at most two components is `a/b-c-d`; `max` 0 leaves it alone. */
export function nestPath(path: string, max: number): string {
  const parts = path.split('/')
  if (max <= 0 || parts.length <= max) return path
  return [...parts.slice(0, max - 1), parts.slice(max - 1).join('-')].join('/')
}

/** `registry/repository:tag`. */
export function formatTarget({ registry, repository, tag }: TargetName): string {
  return `${registry}/${repository}:${tag}`
}
