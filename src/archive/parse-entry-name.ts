/**
 * What the name of an archive's entry says that it is: the inverse of the names in
 * `entry-names.ts`, for what anybody may have written. Pure.
 *
 * Layout: https://github.com/distribution/distribution/blob/v2.8.2/registry/storage/paths.go
 */
import type { Digest } from '../oci/digest.ts'
import { isRepository } from '../oci/reference.ts'

export type EntryName =
  | { readonly kind: 'blob'; readonly digest: Digest }
  | { readonly kind: 'layer' | 'revision'; readonly repository: string; readonly digest: Digest }
  /** What the tag points at; earlier targets of it are of no account. */
  | { readonly kind: 'tag'; readonly repository: string; readonly tag: string }
  | { readonly kind: 'file' }
  /** Parts of distribution's layout that nobody needs here, and our own index. */
  | { readonly kind: 'passed-over' }

export const BLOBS = 'docker/registry/v2/blobs/'
const REPOSITORIES = 'docker/registry/v2/repositories/'
const OWN = 'airlift/'

const BLOB = /^sha(?:256\/[0-9a-f]{2}\/[0-9a-f]{64}|512\/[0-9a-f]{2}\/[0-9a-f]{128})\/data$/
const DIGEST_LINK = /^sha(?:256\/[0-9a-f]{64}|512\/[0-9a-f]{128})\/link$/
const TAG_LINK = /^(?<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})\/current\/link$/
const PARTS = [
  ['/_layers/', 'layer'],
  ['/_manifests/revisions/', 'revision'],
  ['/_manifests/tags/', 'tag'],
] as const
/** Characters of `sha256` or `sha512`, and of what follows the digits. */
const ALGORITHM = 6
const SUFFIX = '/data'.length
const PASSED_OVER: EntryName = { kind: 'passed-over' }

export function parseEntryName(name: string): EntryName {
  if (name.startsWith(REPOSITORIES)) return parseLink(name.slice(REPOSITORIES.length))
  if (name.startsWith(BLOBS)) return parseBlob(name.slice(BLOBS.length))
  const isOwn = name.startsWith(OWN) && name !== `${OWN}plan.json`
  return isOwn || name.startsWith('docker/') ? PASSED_OVER : { kind: 'file' }
}

/** `sha256/2c/2cf2…/data`. */
function parseBlob(rest: string): EntryName {
  if (!BLOB.test(rest)) return PASSED_OVER
  const start = rest.slice(ALGORITHM + 1, ALGORITHM + 3)
  const hex = rest.slice(ALGORITHM + 4, -SUFFIX)
  return hex.startsWith(start) ? { kind: 'blob', digest: digestFrom(rest, hex) } : PASSED_OVER
}

function parseLink(rest: string): EntryName {
  for (const [separator, kind] of PARTS) {
    const at = rest.indexOf(separator)
    const repository = rest.slice(0, Math.max(at, 0))
    if (at >= 0 && isRepository(repository)) return parsePart(kind, repository, rest.slice(at + separator.length))
  }
  return PASSED_OVER
}

function parsePart(kind: (typeof PARTS)[number][1], repository: string, rest: string): EntryName {
  if (kind === 'tag') {
    const tag = TAG_LINK.exec(rest)?.groups?.['tag']
    return tag === undefined ? PASSED_OVER : { kind, repository, tag }
  }
  if (!DIGEST_LINK.test(rest)) return PASSED_OVER
  return { kind, repository, digest: digestFrom(rest, rest.slice(ALGORITHM + 1, -SUFFIX)) }
}

/** `rest` has matched a pattern, so its parts make a digest. */
function digestFrom(rest: string, hex: string): Digest {
  return `${rest.slice(0, ALGORITHM)}:${hex}` as Digest
}
