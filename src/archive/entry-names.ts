/**
 * Names of the entries of an archive: those that `oc-mirror` v2 reads, and ours,
 * which it ignores. Pure.
 *
 * Its patterns are unanchored: no name of ours contains `working-dir` or
 * `docker/registry/v2`, and no file name but a volume's contains `mirror_`.
 *
 * Links are those of distribution: https://github.com/distribution/distribution/blob/v2.8.2/registry/storage/paths.go
 */
import { join } from 'node:path'
import { blobPath, linkPath, repositoryPaths, tagPath } from '../content/blob-paths.ts'
import type { Digest } from '../oci/digest.ts'
import type { ArchiveFile } from './archive-types.ts'

/** First entry of every volume: its header is at 0, its content at 512. */
export const INDEX_NAME = 'airlift/index.json'
/** Second entry: the digest of the first's content, as text. */
export const INDEX_DIGEST_NAME = 'airlift/index.sha256'
export const PLAN_NAME = 'airlift/plan.json'
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
  return blobPath('', digest)
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
    ...layers.map((digest) => [linkPath(paths.layers, digest), digest] as const),
    ...manifests.map((digest) => [linkPath(paths.revisions, digest), digest] as const),
    ...tags.flatMap(([tag, digest]) => [
      [join(tagPath(paths, tag), 'current', 'link'), digest] as const,
      [linkPath(join(tagPath(paths, tag), 'index'), digest), digest] as const,
    ]),
  ]
}

/** Whether a name stays below the directory that it is unpacked into, and can be printed. */
export function isSafeName(name: string): boolean {
  return (
    name.length > 0 &&
    name.length <= MAX_NAME_LENGTH &&
    !/\p{Cc}/u.test(name) &&
    name.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
  )
}
