/**
 * Listing what refers to a manifest: signatures, SBOMs, attestations.
 *
 * Spec: https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers
 */
import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import { MAX_MANIFEST_BYTES } from '../oci/manifest.ts'
import { MEDIA_TYPE } from '../oci/media-type.ts'
import { sendBody } from './exchange.ts'
import type { Exchange } from './exchange.ts'

export interface ReferrersRoute {
  readonly name: string
  readonly digest: Digest
}

/** Always an index, also for a subject that nobody has pushed. Pages keep each answer within a manifest's size. */
export async function listReferrers(exchange: Exchange, { name, digest }: ReferrersRoute): Promise<void> {
  const artifactType = exchange.query.get('artifactType')
  const after = exchange.query.get('last') ?? ''
  const all = await exchange.store.repository(name).referrers(digest, exchange)
  const wanted = all.filter(
    (found) => found.digest > after && (artifactType ?? found.artifactType) === found.artifactType,
  )
  const page = firstPage(wanted, exchange.limits.maxPage)
  const next = new URLSearchParams({
    last: page.at(-1)?.digest ?? '',
    ...(artifactType !== null && { artifactType }),
  })
  sendBody(exchange, 200, {
    body: JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPE.ociIndex, manifests: page }),
    headers: {
      'content-type': MEDIA_TYPE.ociIndex,
      ...(artifactType !== null && { 'oci-filters-applied': 'artifactType' }),
      ...(page.length < wanted.length && { link: `</v2/${name}/referrers/${digest}?${next.toString()}>; rel="next"` }),
    },
  })
}

/** As many as fit into an answer, but one at least. */
function firstPage(found: readonly Descriptor[], maxEntries: number): Descriptor[] {
  const sorted = found.toSorted((a, b) => (a.digest < b.digest ? -1 : 1))
  let bytes = 0
  const end = sorted.findIndex((descriptor, index) => {
    bytes += Buffer.byteLength(JSON.stringify(descriptor)) + 1
    return index > 0 && (index >= maxEntries || bytes > MAX_MANIFEST_BYTES - 1024)
  })
  return end < 0 ? sorted : sorted.slice(0, end)
}
