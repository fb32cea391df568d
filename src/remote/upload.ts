/**
 * Upload sessions: opened, filled with a whole blob or with chunks, given up.
 *
 * Where a session lies is the registry's to say, within itself. A session that
 * fails is deleted as far as the registry lets us, so that nothing is left behind.
 *
 * Spec: https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#push
 */
import { AirliftError, hasCode } from '../base/errors.ts'
import type { CallOptions } from '../content/ports.ts'
import { digestMismatch } from '../content/verify-stream.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { RepositoryName } from '../oci/reference.ts'
import type { AccessRequest } from './authenticator.ts'
import { uploadLocation } from './redirect.ts'
import type { RegistrySession } from './registry-session.ts'
import { inContext } from './request-errors.ts'
import { discard, header } from './response-body.ts'
import type { RepositorySite } from './repository-site.ts'
import { sitePath } from './repository-site.ts'
import { mergeScopes, repositoryScope } from './scope.ts'
import type { Exchange, ResponseHeaders } from './transport.ts'

export interface Upload {
  readonly location: URL
  /** Bytes of each chunk; absent where the blob goes in one piece. */
  readonly chunkBytes: number | undefined
}

const SMALLEST_CHUNK_BYTES = 512 * 1024
const LARGEST_CHUNK_BYTES = 32 * 1024 * 1024
const USUAL_CHUNK_BYTES = 16 * 1024 * 1024

export async function beginUpload(site: RepositorySite, content: Descriptor, options: CallOptions): Promise<Upload> {
  const { session } = site
  const request = {
    ...site.writing,
    method: 'POST',
    path: sitePath(site, 'blobs/uploads/'),
    doing: `starting an upload to ${site.label}`,
  } as const
  const handle = async (exchange: Exchange): Promise<Upload> => {
    if (exchange.status !== 202) return session.refuse(request, exchange)
    await discard(exchange)
    const location = uploadLocation(exchange.url, header(exchange.headers, 'location'))
    return { location, chunkBytes: chunkBytes(site, content, exchange.headers) }
  }
  return session.call(request, handle, options)
}

function chunkBytes(site: RepositorySite, content: Descriptor, headers: ResponseHeaders): number | undefined {
  const announced = header(headers, 'oci-chunk-min-length') ?? ''
  const least = /^\d{1,15}$/.test(announced) ? Math.max(Number(announced), USUAL_CHUNK_BYTES) : undefined
  const bytes = site.session.traits.uploadChunkBytes ?? least
  return bytes === undefined || bytes >= content.size ? undefined : bytes
}

/** After a 413 for `size` bytes in one request: later uploads go in smaller ones. */
export function noteTooLarge({ traits }: RegistrySession, size: number): void {
  const quarter = Math.floor(size / 4)
  traits.uploadChunkBytes = Math.max(SMALLEST_CHUNK_BYTES, Math.min(LARGEST_CHUNK_BYTES, quarter))
}

/** The URL that ends a session; the rest of the query is the registry's, and stays as it is. */
export function finalUrl(location: URL, { digest }: Descriptor): URL {
  const url = new URL(location)
  url.search = `${url.search === '' ? '?' : `${url.search}&`}digest=${encodeURIComponent(digest)}`
  return url
}

/** Checks the answer to the request that ended a session. */
export async function finishUpload(site: RepositorySite, content: Descriptor, exchange: Exchange): Promise<void> {
  const doing = writingBlob(site, content)
  if (exchange.status !== 201 && exchange.status !== 204) {
    if (exchange.status === 413) noteTooLarge(site.session, content.size)
    return site.session.refuse({ doing }, exchange)
  }
  await discard(exchange)
  const stored = header(exchange.headers, 'docker-content-digest')
  if (stored !== undefined && stored !== content.digest) {
    throw inContext(digestMismatch(content, stored), site.session.peer.side, doing)
  }
}

export function writingBlob(site: RepositorySite, { digest }: Descriptor): string {
  return `writing blob ${digest} to ${site.label}`
}

const LONGEST_ABANDON_MS = 2000

/** Best effort, and under its own short time: the caller's signal may be what ended the upload. */
export async function abandonUpload(site: RepositorySite, location: URL): Promise<void> {
  const request = {
    ...site.writing,
    method: 'DELETE',
    path: location,
    doing: `giving up an upload to ${site.label}`,
    replay: 'never',
  } as const
  try {
    await site.session.call(request, discard, { signal: AbortSignal.timeout(LONGEST_ABANDON_MS) })
  } catch {
    // Registries collect sessions that nobody ends.
  }
}

/** @returns whether the registry made the blob appear; a session that it opened instead is given up. */
export async function mountBlob(
  site: RepositorySite,
  content: Descriptor,
  options: CallOptions & { readonly from?: RepositoryName },
): Promise<boolean> {
  const { session } = site
  const { from } = options
  if (from !== undefined && from.registry !== site.name.registry) return false
  const query = new URLSearchParams({ mount: content.digest, ...(from !== undefined && { from: from.repository }) })
  const request = {
    ...mountAccess(site, from),
    method: 'POST',
    path: sitePath(site, `blobs/uploads/?${query.toString()}`),
    doing: `mounting blob ${content.digest} into ${site.label}`,
  } as const
  const handle = async (exchange: Exchange): Promise<URL | boolean> => {
    if (exchange.status >= 500 || exchange.status === 408 || exchange.status === 429) {
      return session.refuse(request, exchange)
    }
    await discard(exchange)
    if (exchange.status === 202) return uploadLocation(exchange.url, header(exchange.headers, 'location'))
    return exchange.status === 201
  }
  try {
    const answer = await session.call(request, handle, options)
    if (typeof answer === 'boolean') return answer
    await abandonUpload(site, answer)
    return false
  } catch (error) {
    // A token service may refuse the other repository; the blob itself may still be allowed in.
    if (from !== undefined && hasCode(error, 'AUTH_REQUIRED', 'REGISTRY_REFUSED')) return false
    throw error
  }
}

function mountAccess({ writing }: RepositorySite, from: RepositoryName | undefined): AccessRequest {
  if (from === undefined) return writing
  return { ...writing, scopes: mergeScopes(writing.scopes, [repositoryScope(from.repository, 'pull')]) }
}

/** `Range` of the answer to a chunk: bytes that the registry has so far; as sent where it does not say. */
export function checkReceived(site: RepositorySite, content: Descriptor, headers: ResponseHeaders, sent: number): void {
  const range = /^(?:bytes=)?0-(?<last>\d{1,15})$/.exec(header(headers, 'range') ?? '')
  const last = range?.groups?.['last']
  if (last === undefined || Number(last) + 1 === sent) return
  throw new AirliftError(
    'REGISTRY_FAILED',
    `${site.session.peer.side}: ${writingBlob(site, content)}: the registry took ${Number(last) + 1} of ${sent} bytes`,
    { details: { side: site.session.peer.side, registry: site.session.peer.registry } },
  )
}
