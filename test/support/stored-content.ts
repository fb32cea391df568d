/**
 * What a registry's directory holds, read from its files: the judge of a copy is not the program that made it.
 *
 * Knows the on-disk layout of distribution, which docker-registry and our own registry write.
 */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { digestAlgorithm, digestOf, parseDigest } from '../../src/oci/digest.ts'

/** All lists sorted, so that two directories can be compared as values. */
export interface StoredContent {
  /** Digests of whole blobs and manifests, each hashed anew. */
  readonly blobs: readonly string[]
  /** `repository:tag@digest`. */
  readonly tags: readonly string[]
  /** `repository@digest` of manifests. */
  readonly manifests: readonly string[]
  /** `repository@digest` of configurations and layers that a repository lets clients read. */
  readonly layers: readonly string[]
}

const REPOSITORIES = 'docker/registry/v2/repositories/'
const LINK = /^(?<repository>.+)\/_(?<part>manifests\/tags|manifests\/revisions|layers)\/(?<rest>.+)\/link$/

/** @throws when a blob is not what its name says. */
export async function storedContent(directory: string): Promise<StoredContent> {
  const names = await readdir(directory, { recursive: true })
  const files = new Set(names.filter((name) => /\/(?:data|link)$/.test(name)).toSorted())
  const content = { blobs: [], tags: [], manifests: [], layers: [] } as Record<keyof StoredContent, string[]>
  for (const file of files) {
    const blob = /^docker\/registry\/v2\/blobs\/(?<algorithm>\w+)\/..\/(?<hex>\w+)\/data$/.exec(file)?.groups
    if (blob !== undefined)
      content.blobs.push(await checkedDigest(join(directory, file), `${blob['algorithm']}:${blob['hex']}`))
    else if (file.startsWith(REPOSITORIES)) await readLink(directory, file, content)
  }
  return content
}

async function checkedDigest(path: string, name: string): Promise<string> {
  const digest = parseDigest(name)
  const actual = digestOf(await readFile(path), digestAlgorithm(digest))
  if (actual !== digest) throw new Error(`${path} holds ${actual}`)
  return digest
}

async function readLink(
  directory: string,
  file: string,
  content: Record<keyof StoredContent, string[]>,
): Promise<void> {
  const link = LINK.exec(file.slice(REPOSITORIES.length))?.groups
  // What else is there, such as a running upload, may vanish at any time.
  if (link === undefined) return
  const { repository = '', part = '', rest = '' } = link
  const digest = await readFile(join(directory, file), 'utf8')
  const tag = /^(?<tag>[^/]+)\/current$/.exec(rest)?.groups?.['tag']
  if (part === 'manifests/tags' && tag !== undefined) content.tags.push(`${repository}:${tag}@${digest}`)
  if (part === 'manifests/revisions' && !rest.includes('signatures')) content.manifests.push(`${repository}@${digest}`)
  if (part === 'layers') content.layers.push(`${repository}@${digest}`)
}
