/**
 * Image names as signatures and policies spell them: Docker's, with `docker.io` and `library/` left out at will. Pure.
 *
 * Only for comparing names that were signed; names that users write are `Reference`s, where nothing is guessed.
 *
 * Spec: https://pkg.go.dev/github.com/distribution/reference@v0.6.0#ParseNormalizedNamed
 */
import { isDigest } from '../oci/digest.ts'
import { isRepository, isTag } from '../oci/reference.ts'

export interface DockerName {
  /** `host[:port]/path`, in full. */
  readonly name: string
  readonly tag?: string
  readonly digest?: string
}

const HOST = /^(?:\[[0-9a-fA-F:]+\]|[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?)(?::\d+)?$/
const MAX_LENGTH = 1024

/** `undefined` for what is no name. */
export function parseDockerName(text: string): DockerName | undefined {
  if (text.length > MAX_LENGTH) return undefined
  const at = text.indexOf('@')
  const digest = at < 0 ? undefined : text.slice(at + 1)
  const named = at < 0 ? text : text.slice(0, at)
  const colon = named.indexOf(':', named.lastIndexOf('/') + 1)
  const tag = colon < 0 ? undefined : named.slice(colon + 1)
  const name = fullName(colon < 0 ? named : named.slice(0, colon))
  if (name === undefined || (tag !== undefined && !isTag(tag)) || (digest !== undefined && !isDigest(digest))) {
    return undefined
  }
  return { name, ...(tag !== undefined && { tag }), ...(digest !== undefined && { digest }) }
}

/** The inverse of {@link parseDockerName}, in full. */
export function formatDockerName({ name, tag, digest }: DockerName): string {
  return `${name}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`
}

function fullName(text: string): string | undefined {
  const slash = text.indexOf('/')
  const first = text.slice(0, Math.max(slash, 0))
  const hasHost = /[.:]|^localhost$|[A-Z]/.test(first)
  const host = !hasHost || first === 'index.docker.io' ? 'docker.io' : first
  const path = hasHost ? text.slice(slash + 1) : text
  const repository = host === 'docker.io' && !path.includes('/') ? `library/${path}` : path
  return HOST.test(host) && isRepository(repository) ? `${host}/${repository}` : undefined
}
