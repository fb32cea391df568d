/**
 * Image names as users write them: a reference or a layout directory, with an optional transport. Pure.
 *
 * The forms are those of `oc-mirror`: `[docker://]registry/repository[:tag][@digest]` and `oci://path[:tag]`.
 * Unlike there, nothing is guessed: a name without a registry is refused.
 */
import { AirliftError } from '../base/errors.ts'
import { formatReference, isTag, parseReference } from './reference.ts'
import type { Reference } from './reference.ts'

export interface DockerImageName extends Reference {
  readonly transport: 'docker'
}

/** An image of an OCI image layout on disk. */
export interface OciImageName {
  readonly transport: 'oci'
  /** As written: relative paths stay relative. */
  readonly path: string
  /** The `org.opencontainers.image.ref.name` to take; the layout's only image where absent. */
  readonly tag?: string
}

export type ImageName = DockerImageName | OciImageName

const TRANSPORT = /^(?<transport>[a-z][a-z-]{0,31}):\/\/(?<rest>.*)$/s
const MAX_PATH_LENGTH = 4096

/**
 * @throws {AirliftError} `REFERENCE_INVALID`, with a hint naming the part that is missing or wrong, or
 *   `DIGEST_INVALID`.
 */
export function parseImageName(text: string): ImageName {
  const match = TRANSPORT.exec(text)
  const transport = match?.groups?.['transport'] ?? 'docker'
  const rest = match?.groups?.['rest'] ?? text
  if (transport === 'oci') return parseLayoutName(text, rest)
  if (transport !== 'docker') {
    throw invalid(
      text,
      `transport "${transport}" is not supported`,
      'use "docker://" for a registry, "oci://" for a layout',
    )
  }
  if (!rest.includes('@') && !rest.slice(rest.lastIndexOf('/') + 1).includes(':')) {
    throw invalid(text, 'tag and digest are empty', 'add a ":tag" or an "@sha256:…" digest')
  }
  return { transport, ...parseReference(rest) }
}

/** The inverse of {@link parseImageName}, always with its transport. */
export function formatImageName(name: ImageName): string {
  if (name.transport === 'docker') return `docker://${formatReference(name)}`
  return `oci://${name.path}${name.tag === undefined ? '' : `:${name.tag}`}`
}

function parseLayoutName(text: string, rest: string): OciImageName {
  if (rest.length > MAX_PATH_LENGTH)
    throw invalid(text, 'path is too long', `use at most ${MAX_PATH_LENGTH} characters`)
  if (rest.includes('\0')) throw invalid(text, 'path holds a NUL character', 'remove it')
  const colon = rest.indexOf(':')
  const path = colon < 0 ? rest : rest.slice(0, colon)
  const tag = colon < 0 ? undefined : rest.slice(colon + 1)
  if (path === '') throw invalid(text, 'path is empty', 'name the directory of the layout: "oci:///path"')
  if (tag === undefined) return { transport: 'oci', path }
  if (!isTag(tag)) {
    throw invalid(
      text,
      `${JSON.stringify(tag.slice(0, 200))} is not a tag`,
      'use ":" only once, before the tag at the end',
    )
  }
  return { transport: 'oci', path, tag }
}

function invalid(text: string, problem: string, hint: string): AirliftError {
  return new AirliftError('REFERENCE_INVALID', `not an image name: ${JSON.stringify(text.slice(0, 200))}: ${problem}`, {
    hint,
  })
}
