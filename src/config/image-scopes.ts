/**
 * The scopes under which configuration for an image can stand, most specific first. Pure.
 *
 * `policy.json` and `registries.d` share them: the image, its repository, the namespaces above, the host with its
 * port, then `*.` and each parent domain. There is no fallback to the host without its port.
 *
 * Spec: https://github.com/containers/image/blob/v5.36.2/docs/containers-policy.json.5.md#supported-transports-and-their-scopes
 */
import { formatReference, formatRepository } from '../oci/reference.ts'
import type { Reference, RepositoryName } from '../oci/reference.ts'

/** Of an image in a registry. A digest names it where there is one, else its tag. */
export function imageScopes(image: Reference): readonly string[] {
  const { registry, repository, tag, digest } = image
  const named =
    digest === undefined
      ? { registry, repository, ...(tag !== undefined && { tag }) }
      : { registry, repository, digest }
  return tag === undefined && digest === undefined
    ? repositoryScopes(image)
    : [formatReference(named), ...repositoryScopes(image)]
}

function repositoryScopes(name: RepositoryName): readonly string[] {
  const parts = formatRepository(name).split('/')
  const namespaces = parts.map((_, index) => parts.slice(0, parts.length - index).join('/'))
  const labels = hostOf(name.registry).split('.')
  const parents = labels.slice(1).map((_, index) => `*.${labels.slice(index + 1).join('.')}`)
  return [...namespaces, ...parents]
}

function hostOf(registry: string): string {
  const colon = registry.indexOf(':')
  return colon < 0 ? registry : registry.slice(0, colon)
}

/** Of an image in an OCI layout, `path` being absolute: the image, its directory, the directories above but `/`. */
export function layoutScopes(path: string, tag = ''): readonly string[] {
  const parts = path.split('/').filter((part) => part !== '')
  const directories = parts.map((_, index) => `/${parts.slice(0, parts.length - index).join('/')}`)
  return [`/${parts.join('/')}:${tag}`, ...directories]
}
