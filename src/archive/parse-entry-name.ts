/**
 * What the name of an archive's entry says that it is: the inverse of the names in
 * `entry-names.ts`, for what anybody may have written. Pure.
 *
 * Layout: https://github.com/distribution/distribution/blob/v2.8.2/registry/storage/paths.go
 */
import { isDigest } from '../oci/digest.ts'
import type { Digest } from '../oci/digest.ts'
import { isRepository, isTag } from '../oci/reference.ts'

export type EntryName =
  | { readonly kind: 'blob'; readonly digest: Digest }
  | { readonly kind: 'layer' | 'revision'; readonly repository: string; readonly digest: Digest }
  /** What the tag points at; earlier targets of it are of no account. */
  | { readonly kind: 'tag'; readonly repository: string; readonly tag: string }
  | { readonly kind: 'file' }
  /** Parts of distribution's layout that nobody needs here, and our own index. */
  | { readonly kind: 'passed-over' }

const BLOBS = 'docker/registry/v2/blobs/'
const REPOSITORIES = 'docker/registry/v2/repositories/'
const OWN = 'airlift/'

const BLOB = /^(?<algorithm>sha256|sha512)\/(?<start>[0-9a-f]{2})\/(?<hex>[0-9a-f]{64,128})\/data$/
const DIGEST_LINK = /^(?<algorithm>sha256|sha512)\/(?<hex>[0-9a-f]{64,128})\/link$/
const TAG_LINK = /^(?<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})\/current\/link$/
const PARTS = [
  ['/_layers/', 'layer'],
  ['/_manifests/revisions/', 'revision'],
  ['/_manifests/tags/', 'tag'],
] as const

export function parseEntryName(name: string): EntryName {
  if (name.startsWith(REPOSITORIES)) return parseLink(name.slice(REPOSITORIES.length))
  if (name.startsWith(BLOBS)) return parseBlob(name.slice(BLOBS.length))
  const isOwn = name.startsWith(OWN) && name !== `${OWN}plan.json`
  return isOwn || name.startsWith('docker/') ? { kind: 'passed-over' } : { kind: 'file' }
}

function parseBlob(rest: string): EntryName {
  const { algorithm, start = '', hex = '' } = BLOB.exec(rest)?.groups ?? {}
  const digest = `${algorithm}:${hex}`
  return isDigest(digest) && hex.startsWith(start) ? { kind: 'blob', digest } : { kind: 'passed-over' }
}

function parseLink(rest: string): EntryName {
  for (const [separator, kind] of PARTS) {
    const at = rest.indexOf(separator)
    const repository = rest.slice(0, at)
    if (at < 0 || !isRepository(repository)) continue
    return parsePart(kind, repository, rest.slice(at + separator.length))
  }
  return { kind: 'passed-over' }
}

function parsePart(kind: (typeof PARTS)[number][1], repository: string, rest: string): EntryName {
  if (kind === 'tag') {
    const tag = TAG_LINK.exec(rest)?.groups?.['tag']
    return tag !== undefined && isTag(tag) ? { kind, repository, tag } : { kind: 'passed-over' }
  }
  const { algorithm, hex } = DIGEST_LINK.exec(rest)?.groups ?? {}
  const digest = `${algorithm}:${hex}`
  return isDigest(digest) ? { kind, repository, digest } : { kind: 'passed-over' }
}
