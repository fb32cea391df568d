/**
 * Maps a request's path to one distribution-spec endpoint. Pure.
 *
 * Repository names contain slashes, so a path is read from its end: the last
 * known keyword decides, and all before it is the name.
 *
 * Spec: https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#endpoints
 */
import { isDigest, parseDigest } from '../oci/digest.ts'
import type { Digest } from '../oci/digest.ts'
import { isRepository, isTag } from '../oci/reference.ts'
import { WireError } from './wire-error.ts'

export type Route =
  | { readonly endpoint: 'version' }
  | { readonly endpoint: 'blob'; readonly name: string; readonly digest: Digest }
  | { readonly endpoint: 'manifest'; readonly name: string; readonly reference: ManifestName }
  | { readonly endpoint: 'tags'; readonly name: string }
  | { readonly endpoint: 'referrers'; readonly name: string; readonly digest: Digest }
  | { readonly endpoint: 'upload-start'; readonly name: string }
  | { readonly endpoint: 'upload'; readonly name: string; readonly session: string }

export type ManifestName =
  | { readonly kind: 'tag'; readonly tag: string }
  | { readonly kind: 'digest'; readonly digest: Digest }

type ReadRoute = (name: string, last: string) => Route

const ENDPOINTS: readonly (readonly [RegExp, ReadRoute])[] = [
  [/^\/v2\/(?<name>.+)\/blobs\/uploads\/?$/, (name) => ({ endpoint: 'upload-start', name })],
  [/^\/v2\/(?<name>.+)\/blobs\/uploads\/(?<last>[^/]+)$/, (name, session) => ({ endpoint: 'upload', name, session })],
  [
    /^\/v2\/(?<name>.+)\/blobs\/(?<last>[^/]+)$/,
    (name, last) => ({ endpoint: 'blob', name, digest: parseDigest(last) }),
  ],
  [
    /^\/v2\/(?<name>.+)\/manifests\/(?<last>[^/]+)$/,
    (name, last) => ({ endpoint: 'manifest', name, reference: parseManifestName(last) }),
  ],
  [/^\/v2\/(?<name>.+)\/tags\/list$/, (name) => ({ endpoint: 'tags', name })],
  [
    /^\/v2\/(?<name>.+)\/referrers\/(?<last>[^/]+)$/,
    (name, last) => ({ endpoint: 'referrers', name, digest: parseDigest(last) }),
  ],
]

/**
 * `undefined` when no endpoint has this path. `path` excludes the query.
 *
 * @throws {WireError} `NAME_INVALID`. @throws {AirliftError} `DIGEST_INVALID`.
 */
export function parseRoute(path: string): Route | undefined {
  if (/^\/v2\/?$/.test(path)) return { endpoint: 'version' }
  for (const [pattern, read] of ENDPOINTS) {
    const groups = pattern.exec(path)?.groups
    if (groups === undefined) continue
    const { name = '', last = '' } = groups
    if (!isRepository(name)) throw new WireError('NAME_INVALID', 'invalid repository name')
    return read(name, last)
  }
  return undefined
}

function parseManifestName(text: string): ManifestName {
  if (isDigest(text)) return { kind: 'digest', digest: text }
  if (text.includes(':')) return { kind: 'digest', digest: parseDigest(text) }
  if (isTag(text)) return { kind: 'tag', tag: text }
  throw new WireError('NAME_INVALID', 'invalid tag')
}
