/**
 * `mirror.additionalImages` and the names in it: what is wanted, before any registry is asked.
 */
import { AirliftError, isAirliftError, messageOf } from '../base/errors.ts'
import type { AdditionalImage } from '../config/image-set-config.ts'
import { digestHex } from '../oci/digest.ts'
import { formatImageName, parseImageName } from '../oci/image-name.ts'
import type { DockerImageName, OciImageName } from '../oci/image-name.ts'
import type { ImageKind, WantedImage } from '../plan/collection.ts'

/**
 * In the order of the configuration; an image that is named twice, in one spelling or two, comes once.
 *
 * @throws {AirliftError} `REFERENCE_INVALID`, naming every entry that is not an image.
 */
export function wantedAdditionalImages(entries: readonly AdditionalImage[]): WantedImage[] {
  const wanted = new Map<string, WantedImage>()
  const problems: string[] = []
  for (const entry of entries) {
    try {
      const image = wantedImage(entry)
      wanted.set(`${image.source} ${image.repository}:${image.tag}`, image)
    } catch (error) {
      if (!isAirliftError(error)) throw error
      problems.push(`${messageOf(error)}${error.hint === undefined ? '' : ` (${error.hint})`}`)
    }
  }
  if (problems.length > 0) {
    throw new AirliftError('REFERENCE_INVALID', `collection error: ${problems.join('; ')}`, {
      hint: 'name each image of mirror.additionalImages with its registry and a tag or digest',
      details: { kind: 'generic' satisfies ImageKind },
    })
  }
  return [...wanted.values()]
}

function wantedImage(entry: AdditionalImage): WantedImage {
  const name = parseImageName(entry.name)
  const image = name.transport === 'oci' ? fromLayout(name, entry) : fromRegistry(name, entry)
  return {
    ...image,
    ...(entry.platforms.length > 0 && { platforms: entry.platforms }),
  }
}

function fromRegistry(name: DockerImageName, entry: AdditionalImage): WantedImage {
  const { registry, repository, tag, digest } = name
  const pulled: DockerImageName = digest === undefined ? name : { transport: 'docker', registry, repository, digest }
  return {
    kind: 'generic',
    origin: entry.name.replace(/^docker:\/\//, ''),
    source: formatImageName(pulled),
    place: { kind: 'repository', registry, repository: hubRepository(registry, repository) },
    name: digest ?? tag ?? '',
    repository: entry.targetRepo ?? repository,
    tag: entry.targetTag ?? tag ?? (digest === undefined ? '' : `sha256-${digestHex(digest)}`),
    sourceHas: { tag: tag !== undefined, digest: digest !== undefined },
  }
}

/** Docker Hub keeps its official images under a name of their own; everyone calls them without it. */
function hubRepository(registry: string, repository: string): string {
  return registry === 'docker.io' && !repository.includes('/') ? `library/${repository}` : repository
}

function fromLayout(name: OciImageName, entry: AdditionalImage): WantedImage {
  return {
    kind: 'generic',
    origin: entry.name,
    source: formatImageName(name),
    place: { kind: 'layout', name: name.path },
    name: name.tag ?? '',
    repository: entry.targetRepo ?? name.path.replace(/^[./]+/, ''),
    tag: entry.targetTag ?? name.tag ?? 'latest',
    sourceHas: { tag: true, digest: false },
  }
}
