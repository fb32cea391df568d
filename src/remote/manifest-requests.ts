/**
 * Manifests over the wire: read with every type named in `accept`, never more
 * than a manifest may have, and believed only as far as their digest goes.
 *
 * Spec: https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-manifests
 */
import { AirliftError, hasCode } from '../base/errors.ts'
import type { CallOptions, TagOrDigest } from '../content/ports.ts'
import { digestMismatch } from '../content/verify-stream.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { digestAlgorithm, isDigest } from '../oci/digest.ts'
import type { Digest } from '../oci/digest.ts'
import { MAX_MANIFEST_BYTES, parseManifest } from '../oci/manifest.ts'
import type { Manifest } from '../oci/manifest.ts'
import { ACCEPT_MANIFESTS, isManifestMediaType } from '../oci/media-type.ts'
import { inContext } from './request-errors.ts'
import { contentLength, discard, header, readBody } from './response-body.ts'
import type { RepositorySite } from './repository-site.ts'
import { sitePath } from './repository-site.ts'
import type { Exchange } from './transport.ts'

/** `undefined` where the repository has none of that name. A wrong digest is asked for once more. */
export async function readManifest(
  site: RepositorySite,
  name: TagOrDigest,
  options: CallOptions,
): Promise<Manifest | undefined> {
  try {
    return await requestManifest(site, name, options)
  } catch (error) {
    if (!hasCode(error, 'DIGEST_MISMATCH')) throw error
  }
  return requestManifest(site, name, options)
}

function requestManifest(site: RepositorySite, name: TagOrDigest, options: CallOptions): Promise<Manifest | undefined> {
  const { session } = site
  const doing = `reading manifest ${name} in ${site.label}`
  const request = {
    ...site.reading,
    method: 'GET',
    path: sitePath(site, `manifests/${name}`),
    headers: { accept: ACCEPT_MANIFESTS, 'accept-encoding': 'identity' },
    doing,
  } as const
  const handle = async (exchange: Exchange): Promise<Manifest | undefined> => {
    if (exchange.status === 404) return discard(exchange).then(() => undefined)
    if (exchange.status !== 200) return session.refuse(request, exchange)
    try {
      const limits = { maxBytes: MAX_MANIFEST_BYTES, timeoutMs: session.bodyTimeoutMs, tooLarge }
      return checkManifest(name, await readBody(exchange, limits), exchange)
    } catch (error) {
      throw inContext(error, session.peer.side, doing)
    }
  }
  return session.call(request, handle, options)
}

function checkManifest(name: TagOrDigest, bytes: Buffer, { headers }: Exchange): Manifest {
  const announced = header(headers, 'docker-content-digest')
  const expected = isDigest(name) ? name : announced
  const algorithm = expected !== undefined && isDigest(expected) ? digestAlgorithm(expected) : 'sha256'
  const manifest = parseManifest(bytes, { mediaType: header(headers, 'content-type'), algorithm })
  const { descriptor } = manifest
  if (expected !== undefined && expected !== descriptor.digest) {
    throw digestMismatch({ digest: expected as Digest, size: descriptor.size }, descriptor.digest)
  }
  return manifest
}

function tooLarge(bytes: number): AirliftError {
  return new AirliftError('MANIFEST_TOO_LARGE', `manifest of ${bytes} bytes exceeds ${MAX_MANIFEST_BYTES}`, {
    hint: 'leave the image out: no registry that keeps to the specification takes such a manifest',
  })
}

/** Asks for the headers only, and for the whole manifest where they do not tell. */
export async function headManifest(
  site: RepositorySite,
  name: TagOrDigest,
  options: CallOptions,
): Promise<Descriptor | undefined> {
  const { session } = site
  const request = {
    ...site.reading,
    method: 'HEAD',
    path: sitePath(site, `manifests/${name}`),
    headers: { accept: ACCEPT_MANIFESTS, 'accept-encoding': 'identity' },
    doing: `looking up manifest ${name} in ${site.label}`,
  } as const
  const handle = async (exchange: Exchange): Promise<Descriptor | 'absent' | 'unclear'> => {
    if (exchange.status !== 200 && exchange.status !== 404 && exchange.status !== 405) {
      return session.refuse(request, exchange)
    }
    await discard(exchange)
    if (exchange.status === 404) return 'absent'
    return (exchange.status === 200 ? describe(name, exchange) : undefined) ?? 'unclear'
  }
  const answer = await session.call(request, handle, options)
  if (answer === 'unclear') return (await readManifest(site, name, options))?.descriptor
  return answer === 'absent' ? undefined : answer
}

function describe(name: TagOrDigest, { headers }: Exchange): Descriptor | undefined {
  const mediaType = header(headers, 'content-type')?.split(';')[0]?.trim() ?? ''
  const digest = header(headers, 'docker-content-digest')
  const size = contentLength(headers)
  if (!isManifestMediaType(mediaType) || digest === undefined || !isDigest(digest)) return undefined
  if (size === undefined || size === 0 || size > MAX_MANIFEST_BYTES) return undefined
  return isDigest(name) && name !== digest ? undefined : { mediaType, digest, size }
}

/**
 * Stores a manifest by tag, or by digest where there is none.
 *
 * @returns the subject that the registry has linked it to, where it did.
 * @throws {AirliftError} with the registry's own code in `details.serverCode` where it refuses, `DIGEST_MISMATCH` where it
 *   stored something else.
 */
export function writeManifest(
  site: RepositorySite,
  manifest: Manifest,
  options: CallOptions & { readonly tag?: string },
): Promise<string | undefined> {
  const { bytes, descriptor } = manifest
  const { session } = site
  const name = options.tag ?? descriptor.digest
  const request = {
    ...site.writing,
    method: 'PUT',
    path: sitePath(site, `manifests/${name}`),
    headers: { 'content-type': descriptor.mediaType },
    body: bytes,
    doing: `writing manifest ${name} to ${site.label}`,
  } as const
  const handle = async (exchange: Exchange): Promise<string | undefined> => {
    if (exchange.status !== 201 && exchange.status !== 200) return session.refuse(request, exchange)
    await discard(exchange)
    const stored = header(exchange.headers, 'docker-content-digest')
    if (stored !== undefined && isDigest(stored) && isSameAlgorithm(stored, descriptor.digest)) {
      if (stored !== descriptor.digest) {
        throw inContext(digestMismatch(descriptor, stored), session.peer.side, request.doing)
      }
    }
    return header(exchange.headers, 'oci-subject')
  }
  return session.call(request, handle, options)
}

function isSameAlgorithm(a: Digest, b: Digest): boolean {
  return digestAlgorithm(a) === digestAlgorithm(b)
}
