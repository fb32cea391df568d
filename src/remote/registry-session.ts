/**
 * The conversation with one registry: its address, its authorisation, and for
 * each request redirects, one answer to a 401, and retries.
 *
 * The first request asks `/v2/` what the registry wants, once; later ones carry
 * their authorisation at once.
 */
import { Readable } from 'node:stream'
import { hasCode, isAirliftError, messageOf } from '../base/errors.ts'
import { retry } from '../base/retry.ts'
import type { CallOptions } from '../content/ports.ts'
import { Authenticator } from './authenticator.ts'
import type { AccessRequest } from './authenticator.ts'
import type { RefusedAnswer } from './blob-orders.ts'
import { apiHost } from './endpoint.ts'
import type { RegistryClientOptions } from './endpoint.ts'
import type { HttpOrder } from './http-order.ts'
import { MAX_REDIRECTS, redirectTarget } from './redirect.ts'
import { explained, responseError, retryDelay } from './request-errors.ts'
import type { Peer, Replay } from './request-errors.ts'
import { discard, header, readRefusal } from './response-body.ts'
import { SharedCalls } from './shared-calls.ts'
import type { Exchange, Method, Transport, Trust } from './transport.ts'

export interface RegistryRequest extends AccessRequest {
  readonly method: Method
  /** Path below the registry's address, or a URL of the registry that was checked. */
  readonly path: string | URL
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array | Readable
  /** What this is for, as messages say it: `reading manifest v1 in quay.io/a/b`. */
  readonly doing: string
  /** Where the method does not say it. */
  readonly replay?: Replay
}

export interface SessionOptions {
  readonly registry: string
  readonly insecure: boolean
  readonly transport: Transport
  readonly client: RegistryClientOptions
}

export interface RetryNote {
  readonly attempt: number
  readonly waitMs: number
  readonly error: unknown
}

export interface RegistryTraits {
  /** Set once the registry refused a whole blob for its size. */
  uploadChunkBytes: number | undefined
  hasReferrersApi: boolean | undefined
}

export class RegistrySession {
  readonly peer: Peer
  /** What has been learnt about the registry's uploads and referrers. */
  readonly traits: RegistryTraits = { uploadChunkBytes: undefined, hasReferrersApi: undefined }
  readonly #options: SessionOptions
  readonly #authenticator: Authenticator
  readonly #address: SharedCalls<URL>
  readonly #verify: boolean
  #origin: string | undefined

  constructor(options: SessionOptions) {
    const { registry, insecure, transport, client } = options
    this.#options = options
    this.#verify = client.tlsVerify && !insecure
    this.peer = { side: client.side, registry, lookedIn: () => client.credentials.lookedIn() }
    this.#authenticator = new Authenticator({
      peer: this.peer,
      credentials: client.credentials,
      transport,
      verify: this.#verify,
    })
    this.#address = new SharedCalls(transport.lifetime)
  }

  /** Where the registry answers, once it has. */
  get origin(): string | undefined {
    return this.#origin
  }

  get retryTimes(): number {
    return this.#options.client.retry.times
  }

  get bodyTimeoutMs(): number {
    return this.#options.transport.stallTimeoutMs
  }

  forget(): void {
    this.#authenticator.forget()
  }

  /**
   * Makes a request and gives its answer, whatever the status, to `handle`, which consumes the body or passes it on.
   * What `handle` throws is retried like a failure of the request itself.
   */
  call<T>(request: RegistryRequest, handle: (exchange: Exchange) => Promise<T>, { signal }: CallOptions): Promise<T> {
    const replay = request.replay ?? replayOf(request)
    return this.#retrying(() => this.#attempt(request, handle, { signal }), replay, { signal })
  }

  /** Reads what the registry said about a failure, and throws it. */
  async refuse(request: Pick<RegistryRequest, 'doing'>, exchange: Exchange): Promise<never> {
    throw responseError(this.peer, request.doing, await readRefusal(exchange))
  }

  /** Whether the registry lets us in at all, and to `access` as far as its token service says. */
  async checkAccess(access: AccessRequest, options: CallOptions): Promise<void> {
    // Where nobody listens, whoever mistyped the name should know at once.
    await this.#retrying(() => this.#base(options), 'listening', options)
    if (!this.#authenticator.isChallenged) return
    const request = { ...access, method: 'GET', path: '/v2/', doing: `logging in to ${this.peer.registry}` } as const
    const handle = (exchange: Exchange): Promise<void> =>
      exchange.status === 401 || exchange.status === 403 ? this.refuse(request, exchange) : discard(exchange)
    await this.call(request, handle, options)
  }

  /** The request as data, for someone else to make. */
  async order(
    request: Pick<RegistryRequest, 'path' | 'headers' | 'doing'> & AccessRequest,
    options: CallOptions,
  ): Promise<HttpOrder> {
    const prepare = async (): Promise<HttpOrder> => {
      const url = await this.#resolve(request.path, options)
      const authorization = await this.#authenticator.authorization(request, options)
      return {
        url: url.href,
        headers: { ...request.headers, ...(authorization !== undefined && { authorization }) },
        ...(await this.#options.transport.route(url, this.#trust(url, true), options)),
      }
    }
    return this.#retrying(prepare, 'always', options)
  }

  /** The order with another authorization after a 401; `undefined` where there is none. */
  async renewOrder(
    order: HttpOrder,
    answer: RefusedAnswer,
    access: AccessRequest,
    options: CallOptions,
  ): Promise<HttpOrder | undefined> {
    const authorization = await this.#authenticator.renew(order.headers['authorization'], answer, access, options)
    return authorization === undefined ? undefined : { ...order, headers: { ...order.headers, authorization } }
  }

  noteRetry({ attempt, waitMs, error }: RetryNote): void {
    const { client, registry } = this.#options
    client.onRetry?.({ registry, attempt, waitMs, message: isAirliftError(error) ? error.message : messageOf(error) })
  }

  async #attempt<T>(
    request: RegistryRequest,
    handle: (exchange: Exchange) => Promise<T>,
    options: CallOptions,
  ): Promise<T> {
    try {
      const url = await this.#resolve(request.path, options)
      const used = await this.#authenticator.authorization(request, options)
      const exchange = await this.#follow(request, url, used, options)
      const isOurs = exchange.status === 401 && exchange.url.origin === url.origin
      if (!isOurs) return await handle(exchange)
      const fresh = await this.#renew(used, exchange, request, options)
      if (fresh === undefined || request.body instanceof Readable) return await handle(exchange)
      await discard(exchange)
      return await handle(await this.#follow(request, url, fresh, options))
    } catch (error) {
      options.signal.throwIfAborted()
      throw explained(this.peer, request.doing, error)
    }
  }

  async #renew(
    used: string | undefined,
    exchange: Exchange,
    access: AccessRequest,
    options: CallOptions,
  ): Promise<string | undefined> {
    try {
      return await this.#authenticator.renew(used, exchange, access, options)
    } catch (error) {
      await discard(exchange)
      throw error
    }
  }

  /** Follows redirects of reads; one that has left the registry never carries credentials again. */
  async #follow(
    request: RegistryRequest,
    start: URL,
    authorization: string | undefined,
    options: CallOptions,
  ): Promise<Exchange> {
    const { method, body } = request
    let url = start
    let isHome = true
    for (let hop = 0; ; hop += 1) {
      const headers = { ...request.headers, ...(isHome && authorization !== undefined && { authorization }) }
      const trust = this.#trust(url, isHome)
      const exchange = await this.#options.transport.exchange(
        { method, url, headers, trust, ...(body !== undefined && { body }) },
        options,
      )
      const isRead = method === 'GET' || method === 'HEAD'
      if (!isRead || !isRedirect(exchange.status) || hop === MAX_REDIRECTS) return exchange
      await discard(exchange)
      url = redirectTarget(url, header(exchange.headers, 'location'), { allowHttp: !this.#verify })
      isHome &&= url.origin === start.origin
    }
  }

  /** Certificates of the registry are for the registry only. */
  #trust(url: URL, isHome: boolean): Trust {
    return { registry: isHome ? this.#options.registry : url.host, verify: this.#verify }
  }

  async #resolve(path: string | URL, options: CallOptions): Promise<URL> {
    const base = await this.#base(options)
    return typeof path === 'string' ? new URL(path, base) : path
  }

  #base(options: CallOptions): Promise<URL> {
    return this.#address.get('', (own) => this.#ping(own), options)
  }

  /** HTTPS, and for an insecure registry that has none, HTTP. */
  async #ping(options: CallOptions): Promise<URL> {
    try {
      return await this.#pingAt('https:', options)
    } catch (error) {
      const mayFallBack = !this.#verify && hasCode(error, 'REGISTRY_UNREACHABLE', 'TIMEOUT', 'CERTIFICATE_INVALID')
      if (!mayFallBack) throw error
    }
    return this.#pingAt('http:', options)
  }

  async #pingAt(scheme: 'http:' | 'https:', options: CallOptions): Promise<URL> {
    const { registry, transport } = this.#options
    const doing = `pinging registry ${registry}`
    const base = new URL(`${scheme}//${apiHost(registry)}`)
    const url = new URL('/v2/', base)
    try {
      const exchange = await transport.exchange(
        { method: 'GET', url, headers: {}, trust: this.#trust(url, true) },
        options,
      )
      if (exchange.status === 429 || exchange.status >= 500) await this.refuse({ doing }, exchange)
      if (exchange.status === 401) this.#authenticator.learn(exchange.headers)
      await discard(exchange)
      this.#origin = base.origin
      return base
    } catch (error) {
      throw explained(this.peer, doing, error)
    }
  }

  #retrying<T>(task: () => Promise<T>, replay: Replay, { signal }: CallOptions): Promise<T> {
    const { client } = this.#options
    return retry(task, {
      signal,
      policy: client.retry,
      retryAfterMs: (error) => retryDelay(error, replay),
      onRetry: (event) => this.noteRetry(event),
    })
  }
}

function replayOf({ method, body }: RegistryRequest): Replay {
  if (body instanceof Readable) return 'never'
  return method === 'POST' || method === 'PATCH' ? 'unprocessed' : 'always'
}

export function isRedirect(status: number): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308
}
