/**
 * Names of the entries of an archive: those that `oc-mirror` v2 reads, and ours,
 * which it ignores. Pure.
 *
 * Its patterns are unanchored: no name of ours contains `working-dir` or
 * `docker/registry/v2`, and no file name but a volume's contains `mirror_`.
 *
 * Links are those of distribution: https://github.com/distribution/distribution/blob/v2.8.2/registry/storage/paths.go
 */
import { repositoryPaths, tagPath } from '../content/blob-paths.ts'
import { digestAlgorithm, digestHex } from '../oci/digest.ts'
import type { Digest } from '../oci/digest.ts'
import type { ArchiveFile } from './archive-types.ts'

/** First entry of every volume: its header is at 0, its content at 512. */
export const INDEX_NAME = 'airlift/index.json'
/** Second entry: the digest of the first's content, as text. */
export const INDEX_DIGEST_NAME = 'airlift/index.sha256'
export const PLAN_NAME = 'airlift/plan.json'
/** What all names of blobs begin with. */
export const BLOBS = 'docker/registry/v2/blobs/'
/** Of file systems, for one path. */
const MAX_NAME_LENGTH = 4096

/** What an image links in its repository. */
export interface LinkedImage {
  readonly id: string
  readonly repository: string
  /** Configurations and layers. */
  readonly layers: readonly Digest[]
  readonly manifests: readonly Digest[]
  /** `[tag, digest]`, tags of signatures included. */
  readonly tags: readonly (readonly [string, Digest])[]
}

/** `mirror_000001.tar`. */
export function volumeName(number: number): string {
  return `mirror_${String(number).padStart(6, '0')}.tar`
}

/** Name that the header of a lost entry gets; `position` is its place in the index's `entries`. */
export function voidName(position: number): string {
  return `airlift/void/${position}`
}

/** `docker/registry/v2/blobs/sha256/ab/ab…/data`. */
export function blobEntryName(digest: Digest): string {
  const hex = digestHex(digest)
  return `${BLOBS}${digestAlgorithm(digest)}/${hex.slice(0, 2)}/${hex}/data`
}

/** The links of all images, sorted by name; one that several images need stands once, with all their ids. */
export function linkEntries(images: readonly LinkedImage[]): readonly ArchiveFile[] {
  const links = new Map<string, { readonly target: Digest; readonly images: Set<string> }>()
  for (const image of images) {
    for (const [name, target] of linksOf(image)) {
      const link = links.get(name) ?? { target, images: new Set() }
      link.images.add(image.id)
      links.set(name, link)
    }
  }
  return [...links]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, link]) => ({ name, bytes: Buffer.from(link.target), images: [...link.images].toSorted() }))
}

function linksOf({ repository, layers, manifests, tags }: LinkedImage): (readonly [string, Digest])[] {
  const paths = repositoryPaths('', repository)
  return [
    ...layers.map((digest) => [linkName(paths.layers, digest), digest] as const),
    ...manifests.map((digest) => [linkName(paths.revisions, digest), digest] as const),
    ...tags.flatMap(([tag, digest]) => {
      const folder = tagPath(paths, tag)
      return [[`${folder}/current/link`, digest] as const, [linkName(`${folder}/index`, digest), digest] as const]
    }),
  ]
}

/** As `linkPath`, for names in a tar: an archive has hundreds of thousands. */
function linkName(folder: string, digest: Digest): string {
  return `${folder}/${digestAlgorithm(digest)}/${digestHex(digest)}/link`
}

/** Whether a name stays below the directory that it is unpacked into, and can be printed. */
export function isSafeName(name: string): boolean {
  return name.length <= MAX_NAME_LENGTH && !/\p{Cc}|(?:^|\/)\.{0,2}(?:\/|$)/u.test(name)
}
