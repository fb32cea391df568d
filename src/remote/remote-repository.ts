/**
 * A repository of a registry as source and sink.
 *
 * Reads go to the first physical place of registries.conf that has what is read,
 * and the blobs of a manifest to where it was; writes and tag lists go to the
 * repository itself.
 */
import type { Readable } from 'node:stream'
import { AirliftError } from '../base/errors.ts'
import type { CallOptions, ImageSink, ImageSource, TagOrDigest } from '../content/ports.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { isDigest } from '../oci/digest.ts'
import type { Digest } from '../oci/digest.ts'
import { childrenOf } from '../oci/manifest.ts'
import type { Manifest } from '../oci/manifest.ts'
import { formatRepository } from '../oci/reference.ts'
import type { RepositoryName } from '../oci/reference.ts'
import { openBlob } from './blob-download.ts'
import type { BlobOrders, RefusedAnswer } from './blob-orders.ts'
import { uploadBlob } from './blob-upload.ts'
import type { EndpointFlags, PullSource, RegistryClientOptions } from './endpoint.ts'
import type { HttpOrder, UploadTicket } from './http-order.ts'
import { headManifest, readManifest, writeManifest } from './manifest-requests.ts'
import { blocked, readFirst } from './pull-sources.ts'
import { redirectOrder } from './redirect-order.ts'
import { uploadLocation } from './redirect.ts'
import { linkReferrer, listReferrers } from './referrers.ts'
import type { RegistrySession } from './registry-session.ts'
import { responseError } from './request-errors.ts'
import { contentLength, discard } from './response-body.ts'
import { repositorySite, sitePath } from './repository-site.ts'
import type { RepositorySite } from './repository-site.ts'
import { listTags } from './tag-list.ts'
import type { Exchange, Transport } from './transport.ts'
import { abandonUpload, beginUpload, finalUrl, mountBlob, noteTooLarge, writingBlob } from './upload.ts'
import type { Upload } from './upload.ts'

/** What repositories of one client share. */
export interface RepositoryContext {
  readonly options: RegistryClientOptions
  readonly transport: Transport
  session(registry: string, insecure: boolean): RegistrySession
  /** The conversation with whoever answers at `origin`; `undefined` for other hosts. */
  sessionAt(origin: string): RegistrySession | undefined
}

/** Tags that name what belongs to a digest: cosign's, and the fallback of the referrers API. */
const ATTACHMENT_TAG = /^(?<algorithm>sha256|sha512)-(?<hex>[0-9a-f]{64,128})(?:\.(?:sig|att|sbom))?$/
/** What a 413 is taken to be about when nothing else is known, in bytes. */
const REFUSED_BYTES = 128 * 1024 * 1024

export class RemoteRepository implements ImageSource, ImageSink, BlobOrders {
  readonly name: RepositoryName
  readonly #context: RepositoryContext
  /** Which of several places served what is named by this digest. */
  readonly #places = new Map<Digest, PullSource>()
  /** Writers of one subject's fallback index take turns. */
  readonly #linking = new Map<Digest, Promise<void>>()

  constructor(name: RepositoryName, context: RepositoryContext) {
    this.name = name
    this.#context = context
  }

  async manifest(name: TagOrDigest, options: CallOptions): Promise<Manifest | undefined> {
    const sources = this.#sourcesFor(name)
    const found = await this.#readFirst(sources, (site) => readManifest(site, name, options), options)
    if (found !== undefined && sources.length > 1) {
      for (const { digest } of [found.value.descriptor, ...childrenOf(found.value)])
        this.#places.set(digest, found.source)
    }
    return found?.value
  }

  async head(name: TagOrDigest, options: CallOptions): Promise<Descriptor | undefined> {
    const found = await this.#readFirst(this.#sourcesFor(name), (site) => headManifest(site, name, options), options)
    return found?.value
  }

  tags(options: CallOptions): AsyncIterable<string> {
    return listTags(this.#own(), options)
  }

  async referrers(digest: Digest, options: CallOptions): Promise<readonly Descriptor[]> {
    const sources = this.#sourcesBeside(digest)
    const found = await this.#readFirst(sources, (site) => listReferrers(site, digest, options), options)
    return found?.value ?? []
  }

  async open(content: Descriptor, options: CallOptions & { readonly offset?: number }): Promise<Readable> {
    const sources = this.#sourcesFor(content.digest)
    const found = await this.#readFirst(sources, (site) => openBlob({ site, content }, options), options)
    if (found === undefined) throw this.#blobUnknown(content)
    return found.value
  }

  async has(content: Descriptor, options: CallOptions): Promise<boolean> {
    const site = this.#own()
    const request = {
      ...site.reading,
      method: 'HEAD',
      path: sitePath(site, `blobs/${content.digest}`),
      doing: `looking up blob ${content.digest} in ${site.label}`,
    } as const
    const handle = async (exchange: Exchange): Promise<boolean> => {
      if (exchange.status !== 200 && exchange.status !== 404) return site.session.refuse(request, exchange)
      await discard(exchange)
      // A registry that lost part of a blob says so by its length; 0 is what proxies say of any HEAD.
      const length = contentLength(exchange.headers) ?? 0
      return exchange.status === 200 && (length === 0 || length === content.size)
    }
    return site.session.call(request, handle, options)
  }

  async put(content: Descriptor, bytes: Readable, options: CallOptions): Promise<void> {
    await uploadBlob(this.#own(), content, bytes, options)
  }

  async mount(content: Descriptor, options: CallOptions & { readonly from?: RepositoryName }): Promise<boolean> {
    return mountBlob(this.#own(), content, options)
  }

  async putManifest(manifest: Manifest, options: CallOptions & { readonly tag?: string }): Promise<void> {
    const site = this.#own()
    const linkedTo = await writeManifest(site, manifest, options)
    const subject = manifest.subject?.digest
    if (subject === undefined || linkedTo === subject) return
    const turn = (this.#linking.get(subject) ?? Promise.resolve()).then(() => linkReferrer(site, manifest, options))
    this.#linking.set(
      subject,
      turn.catch(() => {}),
    )
    await turn
  }

  async blobGet(content: Descriptor, options: CallOptions): Promise<HttpOrder> {
    const sources = this.#sourcesFor(content.digest)
    const source = sources.find((candidate) => !candidate.blocked)
    if (source === undefined) throw blocked(sources.at(-1) ?? { name: this.name }, this.#context.options.side)
    const site = this.#siteOf(source)
    const doing = `reading blob ${content.digest} in ${site.label}`
    const headers = { 'accept-encoding': 'identity', 'user-agent': 'airlift' }
    const path = sitePath(site, `blobs/${content.digest}`)
    return site.session.order({ ...site.reading, path, headers, doing }, options)
  }

  resolveRedirect(order: HttpOrder, location: string, options: CallOptions): Promise<HttpOrder> {
    return redirectOrder(this.#context.transport, order, location, options)
  }

  async beginUpload(content: Descriptor, options: CallOptions): Promise<UploadTicket> {
    const site = this.#own()
    const upload = await beginUpload(site, content, options)
    const headers = { 'content-type': 'application/octet-stream', 'user-agent': 'airlift' }
    const path = finalUrl(upload.location, content)
    const order = await site.session.order(
      { ...site.writing, path, headers, doing: writingBlob(site, content) },
      options,
    )
    return ticket(order, upload)
  }

  continueUpload(from: UploadTicket, content: Descriptor, location: string | undefined): UploadTicket {
    const next = uploadLocation(new URL(from.location), location)
    const order = { ...from.order, url: finalUrl(next, content).href }
    return ticket(order, { location: next, chunkBytes: from.minChunk })
  }

  abandonUpload({ location }: UploadTicket): Promise<void> {
    return abandonUpload(this.#own(), new URL(location))
  }

  async reauthorise(order: HttpOrder, answer: RefusedAnswer, options: CallOptions): Promise<HttpOrder | undefined> {
    const url = new URL(order.url)
    const session = this.#context.sessionAt(url.origin)
    if (session === undefined) return undefined
    const read = /^\/v2\/(?<repository>.+)\/blobs\/[a-z0-9]+:[0-9a-f]+$/.exec(url.pathname)?.groups?.['repository']
    const { registry } = session.peer
    const site = repositorySite(session, { registry, repository: read ?? this.name.repository })
    return session.renewOrder(order, answer, read === undefined ? site.writing : site.reading, options)
  }

  refusal(order: HttpOrder, doing: string, answer: RefusedAnswer): AirliftError {
    const session = this.#context.sessionAt(new URL(order.url).origin)
    const { side, credentials } = this.#context.options
    const peer = { side, registry: new URL(order.url).host, lookedIn: () => credentials.lookedIn() }
    if (answer.status === 413 && session !== undefined) {
      noteTooLarge(session, session.traits.uploadChunkBytes ?? REFUSED_BYTES)
    }
    return responseError(session?.peer ?? peer, doing, answer)
  }

  /** Best first; the place that is known to have a digest before all others. */
  #sourcesFor(name: TagOrDigest): readonly PullSource[] {
    if (!isDigest(name)) {
      const subject = subjectOf(name)
      return subject === undefined
        ? this.#context.options.pullSources({ ...this.name, tag: name })
        : this.#sourcesBeside(subject)
    }
    const sources = this.#context.options.pullSources({ ...this.name, digest: name })
    const known = this.#places.get(name)
    return known === undefined ? sources : [known, ...sources.filter((source) => !isSamePlace(source, known))]
  }

  /** Where a manifest came from is where its attachments are looked for; other places are not bothered. */
  #sourcesBeside(digest: Digest): readonly PullSource[] {
    const known = this.#places.get(digest)
    return known === undefined ? this.#context.options.pullSources({ ...this.name, digest }) : [known]
  }

  #readFirst<T>(
    sources: readonly PullSource[],
    read: (site: RepositorySite) => Promise<T | undefined>,
    { signal }: CallOptions,
  ): ReturnType<typeof readFirst<T>> {
    return readFirst(sources, (source) => read(this.#siteOf(source)), { side: this.#context.options.side, signal })
  }

  #siteOf({ name, insecure }: Pick<PullSource, 'name' | 'insecure'>): RepositorySite {
    return repositorySite(this.#context.session(name.registry, insecure), name)
  }

  /** The repository under its own name. */
  #own(): RepositorySite {
    const { options } = this.#context
    const flags: EndpointFlags = options.endpointOf(this.name)
    if (flags.blocked) throw blocked({ name: this.name }, options.side)
    return this.#siteOf({ name: this.name, insecure: flags.insecure })
  }

  #blobUnknown({ digest }: Descriptor): AirliftError {
    const { side } = this.#context.options
    const message = `${side}: reading blob ${digest} in ${formatRepository(this.name)}: blob unknown`
    return new AirliftError('BLOB_UNKNOWN', message, {
      hint: 'the registry has lost part of the image: push it there again, or leave it out',
      details: { side, registry: this.name.registry },
    })
  }
}

function ticket(order: HttpOrder, { location, chunkBytes }: Upload): UploadTicket {
  return { kind: 'upload', order, location: location.href, ...(chunkBytes !== undefined && { minChunk: chunkBytes }) }
}

function subjectOf(tag: string): Digest | undefined {
  const { algorithm, hex } = ATTACHMENT_TAG.exec(tag)?.groups ?? {}
  const digest = `${algorithm}:${hex}`
  return isDigest(digest) ? digest : undefined
}

function isSamePlace(a: PullSource, b: PullSource): boolean {
  return formatRepository(a.name) === formatRepository(b.name)
}
