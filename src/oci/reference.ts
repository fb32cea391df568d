/**
 * References: where an image is, by tag, by digest, or both. Pure; no I/O.
 *
 * Spec: https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-manifests
 */
import { AirliftError } from '../base/errors.ts'
import { parseDigest } from './digest.ts'
import type { Digest } from './digest.ts'

/** A repository of a registry. */
export interface RepositoryName {
  /** Host and optional port, lower case: `quay.io`, `localhost:5000`, `[::1]:5000`. */
  readonly registry: string
  /** Path without leading or trailing slash: `openshift-release-dev/ocp-release`. */
  readonly repository: string
}

export interface Reference extends RepositoryName {
  readonly tag?: string
  readonly digest?: Digest
}

const REGISTRY = /^(?:\[[0-9a-f:.]{2,45}\]|[a-z0-9](?:[a-z0-9.-]{0,252}[a-z0-9])?)(?::\d{1,5})?$/
const COMPONENT = '[a-z0-9]+(?:(?:\\.|_|__|-{1,64})[a-z0-9]+){0,255}'
const REPOSITORY = new RegExp(`^${COMPONENT}(?:/${COMPONENT}){0,63}$`)
const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/
const MAX_LENGTH = 1024

export function isRepository(text: string): boolean {
  return text.length <= 255 && REPOSITORY.test(text)
}

export function isTag(text: string): boolean {
  return TAG.test(text)
}

export function isRegistry(text: string): boolean {
  return REGISTRY.test(text) && (/[.:]/.test(text) || text === 'localhost')
}

/**
 * Parses `registry/repository[:tag][@digest]`.
 *
 * Nothing is defaulted. Inside an enclave a silent `docker.io` or `latest` is a
 * bug that surfaces on the wrong side of the gap, so a reference without a
 * registry, or with neither tag nor digest, is refused.
 *
 * @throws {AirliftError} `REFERENCE_INVALID`, with a hint naming the part that is
 *   missing or wrong, or `DIGEST_INVALID`.
 */
export function parseReference(text: string): Reference {
  if (text.length > MAX_LENGTH) throw invalid(text.slice(0, 80), `use at most ${MAX_LENGTH} characters`)
  const [named = '', digestText, ...rest] = text.split('@')
  if (rest.length > 0) throw invalid(text, 'use at most one "@"')
  const slash = named.indexOf('/')
  const colon = named.indexOf(':', named.lastIndexOf('/'))
  const tag = colon < 0 ? undefined : named.slice(colon + 1)
  const name = checkName(
    text,
    named.slice(0, Math.max(slash, 0)),
    named.slice(slash + 1, colon < 0 ? undefined : colon),
  )
  if (tag === undefined && digestText === undefined) throw invalid(text, 'add a ":tag" or an "@sha256:…" digest')
  if (tag !== undefined && !isTag(tag)) throw invalid(text, 'use at most 128 of [A-Za-z0-9_.-] in a tag')
  return {
    ...name,
    ...(tag !== undefined && { tag }),
    ...(digestText !== undefined && { digest: parseDigest(digestText) }),
  }
}

function checkName(text: string, registryText: string, repository: string): RepositoryName {
  const registry = registryText.toLowerCase()
  if (!isRegistry(registry)) throw invalid(text, 'start with a registry host, such as "quay.io/"')
  if (!isRepository(repository)) throw invalid(text, 'use lower case repository components')
  return { registry, repository }
}

/** The inverse of {@link parseReference}. */
export function formatReference({ registry, repository, tag, digest }: Reference): string {
  return `${registry}/${repository}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`
}

/** `registry/repository`. */
export function formatRepository({ registry, repository }: RepositoryName): string {
  return `${registry}/${repository}`
}

function invalid(text: string, hint: string): AirliftError {
  return new AirliftError('REFERENCE_INVALID', `not an image reference: ${JSON.stringify(text)}`, { hint })
}
