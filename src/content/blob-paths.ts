/**
 * Where distribution's file-system layout keeps what. Pure.
 *
 * Every path is made of a parsed digest, a checked repository name, a checked tag
 * or a random id: no text of a peer reaches the file system unread.
 *
 * Layout: https://github.com/distribution/distribution/blob/v2.8.2/registry/storage/paths.go
 */
import { join } from 'node:path'
import { AirliftError } from '../base/errors.ts'
import { digestAlgorithm, digestHex } from '../oci/digest.ts'
import type { Digest } from '../oci/digest.ts'
import { isRepository, isTag } from '../oci/reference.ts'

const ROOT = join('docker', 'registry', 'v2')
/** What is ours and no part of the layout. Repository components never begin with `_`. */
const OWN = 'airlift'

export interface RepositoryPaths {
  readonly root: string
  readonly layers: string
  readonly manifests: string
  readonly uploads: string
  readonly revisions: string
  readonly tags: string
  /** Facts about this repository's manifests that can be computed again. */
  readonly referrersLog: string
}

export function blobPath(root: string, digest: Digest): string {
  const hex = digestHex(digest)
  return join(root, ROOT, 'blobs', digestAlgorithm(digest), hex.slice(0, 2), hex, 'data')
}

/** Files on their way; safe to empty whenever nothing writes. */
export function ingestPath(root: string): string {
  return join(root, OWN, 'ingest')
}

/** @throws {AirliftError} `NAME_INVALID`. */
export function repositoryPaths(root: string, name: string): RepositoryPaths {
  if (!isRepository(name)) {
    throw new AirliftError('NAME_INVALID', `not a repository name: ${JSON.stringify(name.slice(0, 300))}`)
  }
  const repository = join(root, ROOT, 'repositories', name)
  const manifests = join(repository, '_manifests')
  return {
    root: repository,
    layers: join(repository, '_layers'),
    manifests,
    uploads: join(repository, '_uploads'),
    revisions: join(manifests, 'revisions'),
    tags: join(manifests, 'tags'),
    referrersLog: join(root, OWN, 'referrers', name, '_revisions'),
  }
}

/** The link file of `digest` below `folder`, which is `layers`, `revisions` or a tag's `index`. */
export function linkPath(folder: string, digest: Digest): string {
  return join(folder, digestAlgorithm(digest), digestHex(digest), 'link')
}

/** @throws {AirliftError} `NAME_INVALID`. */
export function tagPath({ tags }: RepositoryPaths, tag: string): string {
  if (!isTag(tag)) throw new AirliftError('NAME_INVALID', `not a tag: ${JSON.stringify(tag.slice(0, 200))}`)
  return join(tags, tag)
}
