/**
 * Pulling, pushing and deleting manifests.
 *
 * Spec: https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-manifests
 */
import type { RepositoryStore } from '../content/blob-store.ts'
import { digestAlgorithm } from '../oci/digest.ts'
import { childrenOf, MAX_MANIFEST_BYTES, parseManifest } from '../oci/manifest.ts'
import type { Manifest } from '../oci/manifest.ts'
import { isForeignLayer } from '../oci/media-type.ts'
import { mapLimit } from '../base/map-limit.ts'
import { sendBody, sendEmpty } from './exchange.ts'
import type { Exchange } from './exchange.ts'
import type { ManifestName } from './route.ts'
import { WireError } from './wire-error.ts'

export interface ManifestRoute {
  readonly name: string
  readonly reference: ManifestName
}

const LOOKUPS_AT_ONCE = 8

/** `GET` and `HEAD`. The stored bytes, whatever the client accepts: another form would have another digest. */
export async function getManifest(exchange: Exchange, { name, reference }: ManifestRoute): Promise<void> {
  const text = reference.kind === 'tag' ? reference.tag : reference.digest
  const manifest = await exchange.store.repository(name).manifest(text, exchange)
  if (manifest === undefined) throw unknownManifest()
  const { mediaType, digest } = manifest.descriptor
  sendBody(exchange, 200, {
    body: manifest.bytes,
    headers: { 'content-type': mediaType, 'docker-content-digest': digest, etag: `"${digest}"` },
  })
}

export async function putManifest(exchange: Exchange, { name, reference }: ManifestRoute): Promise<void> {
  const bytes = await readBody(exchange)
  const manifest = parseManifest(bytes, {
    ...(reference.kind === 'digest' && { algorithm: digestAlgorithm(reference.digest) }),
  })
  checkManifest(exchange, manifest, reference)
  const repository = exchange.store.repository(name)
  await checkChildren(exchange, repository, manifest)
  await repository.putManifest(manifest, {
    signal: exchange.signal,
    ...(reference.kind === 'tag' && { tag: reference.tag }),
  })
  const { digest } = manifest.descriptor
  sendEmpty(exchange, 201, {
    location: `/v2/${name}/manifests/${digest}`,
    'docker-content-digest': digest,
    ...(manifest.subject !== undefined && { 'oci-subject': manifest.subject.digest }),
  })
}

export async function deleteManifest(exchange: Exchange, { name, reference }: ManifestRoute): Promise<void> {
  const repository = exchange.store.repository(name)
  const existed =
    reference.kind === 'tag'
      ? await repository.deleteTag(reference.tag, exchange)
      : await repository.deleteManifest(reference.digest, exchange)
  if (!existed) throw unknownManifest()
  sendEmpty(exchange, 202)
}

async function readBody({ request, stallGuard }: Exchange): Promise<Buffer> {
  using _ = stallGuard.watch(request.socket)
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > MAX_MANIFEST_BYTES) {
      throw new WireError('MANIFEST_INVALID', `manifest of more than ${MAX_MANIFEST_BYTES} bytes`, { status: 413 })
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, size)
}

function checkManifest({ request }: Exchange, { descriptor }: Manifest, reference: ManifestName): void {
  if (reference.kind === 'digest' && reference.digest !== descriptor.digest) {
    throw new WireError('DIGEST_INVALID', 'the manifest has another digest')
  }
  const declared = request.headers['content-type']?.split(';')[0]?.trim()
  if (declared !== undefined && declared !== descriptor.mediaType) {
    throw new WireError('MANIFEST_INVALID', `the manifest is ${descriptor.mediaType}, not as content-type says`)
  }
}

/** Once a manifest is here, so is all that it names; that is what lets clients stop at what exists. */
async function checkChildren(exchange: Exchange, repository: RepositoryStore, manifest: Manifest): Promise<void> {
  if (manifest.kind === 'index' && exchange.allowSparseIndexes) return
  const needed = childrenOf(manifest).filter(({ mediaType }) => !isForeignLayer(mediaType))
  const missing = await mapLimit(
    needed,
    LOOKUPS_AT_ONCE,
    async ({ digest }, signal) => {
      const isThere = (await repository.size(digest, { signal })) !== undefined
      const isManifest = manifest.kind === 'index' && (await repository.head(digest, { signal })) !== undefined
      return isThere || isManifest ? [] : [{ digest }]
    },
    exchange,
  )
  if (missing.flat().length === 0) return
  throw new WireError('MANIFEST_BLOB_UNKNOWN', 'manifest names content that the repository lacks', {
    details: missing.flat(),
  })
}

function unknownManifest(): WireError {
  return new WireError('MANIFEST_UNKNOWN', 'manifest unknown to the repository')
}
