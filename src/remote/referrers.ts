/**
 * What refers to a manifest: asked of the referrers API, and where a registry
 * has none, kept as an index under a tag that is made of the subject's digest.
 *
 * Spec: https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers
 */
import { AirliftError } from '../base/errors.ts'
import type { CallOptions } from '../content/ports.ts'
import { referrerDescriptor } from '../content/referrer-descriptor.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { parseDescriptor, readRecord } from '../oci/descriptor-schema.ts'
import { digestAlgorithm, digestHex } from '../oci/digest.ts'
import type { Digest } from '../oci/digest.ts'
import { parseManifest } from '../oci/manifest.ts'
import type { Manifest } from '../oci/manifest.ts'
import { MEDIA_TYPE } from '../oci/media-type.ts'
import { readManifest, writeManifest } from './manifest-requests.ts'
import { pages } from './paging.ts'
import { header, readRefusal } from './response-body.ts'
import type { RepositorySite } from './repository-site.ts'
import { sitePath } from './repository-site.ts'
import { parseServerError } from './server-error.ts'
import type { Exchange } from './transport.ts'

const MAX_REFERRERS = 10_000

export async function listReferrers(
  site: RepositorySite,
  subject: Digest,
  options: CallOptions,
): Promise<readonly Descriptor[]> {
  const { traits } = site.session
  const listed = traits.hasReferrersApi === false ? [] : await askApi(site, subject, options)
  if (traits.hasReferrersApi !== false) return listed
  const index = await readManifest(site, fallbackTag(subject), options)
  return index?.kind === 'index' ? index.manifests : []
}

/** `sha256-<hex>`, cut to the length of a tag. */
function fallbackTag(subject: Digest): string {
  return `${digestAlgorithm(subject)}-${digestHex(subject).slice(0, 64)}`
}

async function askApi(site: RepositorySite, subject: Digest, options: CallOptions): Promise<Descriptor[]> {
  const request = {
    ...site.reading,
    method: 'GET',
    path: sitePath(site, `referrers/${subject}`),
    headers: { accept: MEDIA_TYPE.ociIndex },
    doing: `listing referrers of ${subject} in ${site.label}`,
  } as const
  const accept = (exchange: Exchange): Promise<'read' | 'absent'> => judge(site, request.doing, exchange)
  const found: Descriptor[] = []
  for await (const page of pages(site, { request, accept, parse: parseReferrers }, options)) {
    found.push(...page)
    if (found.length > MAX_REFERRERS) throw tooMany(site, request.doing)
  }
  return found
}

/** Learns whether the registry has the API: it answers 404 for what it does not know, and a repository may be that. */
async function judge(site: RepositorySite, doing: string, exchange: Exchange): Promise<'read' | 'absent'> {
  const { traits } = site.session
  const isIndex = header(exchange.headers, 'content-type')?.startsWith(MEDIA_TYPE.ociIndex) === true
  if (exchange.status === 200 && isIndex) {
    traits.hasReferrersApi = true
    return 'read'
  }
  if (exchange.status !== 200 && exchange.status !== 404 && exchange.status !== 405) {
    return site.session.refuse({ doing }, exchange)
  }
  const { code } = parseServerError((await readRefusal(exchange)).body)
  if (code !== 'NAME_UNKNOWN') traits.hasReferrersApi ??= false
  return 'absent'
}

function parseReferrers(json: unknown): Descriptor[] {
  const { manifests } = readRecord(json, 'the list of referrers')
  if (manifests === null || manifests === undefined) return []
  if (!Array.isArray(manifests)) throw new Error('manifests is not a list')
  return manifests.map((entry, index) => parseDescriptor(entry, `manifests[${index}]`))
}

function tooMany(site: RepositorySite, doing: string): AirliftError {
  const { side, registry } = site.session.peer
  return new AirliftError('REGISTRY_UNSUPPORTED', `${side}: ${doing}: more than ${MAX_REFERRERS} referrers`, {
    details: { side, registry },
  })
}

/**
 * Adds a manifest that was stored to the index of its subject, which is a client's duty where the registry does not link
 * it by itself. Not safe against another client at the same subject.
 */
export async function linkReferrer(site: RepositorySite, manifest: Manifest, options: CallOptions): Promise<void> {
  if (manifest.subject === undefined) return
  const tag = fallbackTag(manifest.subject.digest)
  const index = await readManifest(site, tag, options)
  const known = index?.kind === 'index' ? index.manifests : []
  if (known.some(({ digest }) => digest === manifest.descriptor.digest)) return
  const json = { schemaVersion: 2, mediaType: MEDIA_TYPE.ociIndex, manifests: [...known, referrerDescriptor(manifest)] }
  await writeManifest(site, parseManifest(Buffer.from(JSON.stringify(json))), { ...options, tag })
}
