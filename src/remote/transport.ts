/**
 * One HTTP exchange over pooled connections: TLS trust, proxies and the limits
 * for each host. Knows neither registries nor retries, and follows no redirect.
 *
 * Whoever gets an {@link Exchange} consumes or destroys its body: that returns
 * the connection and the place in the host's limit.
 */
import { createSecureContext } from 'node:tls'
import type { Readable } from 'node:stream'
import { Agent, ProxyAgent } from 'undici'
import type { Dispatcher } from 'undici'
import { AirliftError, messageOf } from '../base/errors.ts'
import { Semaphore } from '../base/semaphore.ts'
import type { CallOptions } from '../content/ports.ts'
import type { ClientCertificates, RegistryClientOptions } from './endpoint.ts'
import type { HttpOrder, TlsOrder } from './http-order.ts'
import { SharedCalls } from './shared-calls.ts'

export type Method = 'DELETE' | 'GET' | 'HEAD' | 'PATCH' | 'POST' | 'PUT'

/** Whose certificates count for a host, and whether any does. */
export interface Trust {
  /** Name under which certificates are configured: `host[:port]`. */
  readonly registry: string
  readonly verify: boolean
}

export interface HttpRequest {
  readonly method: Method
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Uint8Array | Readable
  readonly trust: Trust
}

export type ResponseHeaders = Readonly<Record<string, string | string[] | undefined>>

export interface Exchange {
  /** Of the last hop. */
  readonly url: URL
  readonly status: number
  readonly headers: ResponseHeaders
  readonly body: Dispatcher.ResponseData['body']
}

export type TransportOptions = Pick<RegistryClientOptions, 'certificates' | 'limits' | 'proxyFor' | 'stallTimeoutMs'>

const LONGEST_CONNECT_MS = 30_000
const KEEP_ALIVE_MS = 10_000
/** Bytes that a stream of ours holds back before the peer has to wait. */
const HIGH_WATER_MARK = 256 * 1024

interface Host {
  readonly dispatcher: Dispatcher
  readonly places: Semaphore
}

export class Transport implements AsyncDisposable {
  readonly #options: TransportOptions
  readonly #stop = new AbortController()
  readonly #certificates = new SharedCalls<ClientCertificates>(this.#stop.signal)
  readonly #hosts = new SharedCalls<Host>(this.#stop.signal)
  readonly #dispatchers = new Set<Dispatcher>()

  constructor(options: TransportOptions) {
    this.#options = options
  }

  /** Ends with the transport; what is shared between callers runs under it. */
  get lifetime(): AbortSignal {
    return this.#stop.signal
  }

  get stallTimeoutMs(): number {
    return this.#options.stallTimeoutMs
  }

  async exchange({ method, url, headers, body, trust }: HttpRequest, { signal }: CallOptions): Promise<Exchange> {
    const host = await this.#host(url, trust, { signal })
    const place = await host.places.acquire(signal)
    try {
      const response = await host.dispatcher.request({
        origin: url.origin,
        path: `${url.pathname}${url.search}`,
        method,
        headers: { 'user-agent': 'airlift', ...headers },
        body: body ?? null,
        signal,
        // Without it, undici closes the connection after every HEAD.
        reset: false,
        highWaterMark: HIGH_WATER_MARK,
      })
      response.body.once('close', () => place[Symbol.dispose]())
      return { url, status: response.statusCode, headers: response.headers, body: response.body }
    } catch (error) {
      place[Symbol.dispose]()
      throw error
    }
  }

  /** The parts of an order that depend on where it goes. */
  async route(url: URL, trust: Trust, options: CallOptions): Promise<Pick<HttpOrder, 'tls' | 'proxy'>> {
    const proxy = this.#options.proxyFor(url)
    return {
      ...(url.protocol === 'https:' && { tls: await this.#tls(trust, options) }),
      ...(proxy !== undefined && { proxy: proxy.href }),
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new DOMException('the registry client was closed', 'AbortError'))
    await Promise.all([...this.#dispatchers].map((dispatcher) => dispatcher.destroy()))
  }

  async #tls({ registry, verify }: Trust, options: CallOptions): Promise<TlsOrder> {
    const { certificates } = this.#options
    return { ...(await this.#certificates.get(registry, (own) => certificates(registry, own), options)), verify }
  }

  #host(url: URL, trust: Trust, options: CallOptions): Promise<Host> {
    const key = `${url.origin} ${trust.registry} ${trust.verify}`
    return this.#hosts.get(key, (own) => this.#open(url, trust, own), options)
  }

  async #open(url: URL, trust: Trust, options: CallOptions): Promise<Host> {
    const { limits, proxyFor, stallTimeoutMs } = this.#options
    const connectTimeout = Math.min(stallTimeoutMs, LONGEST_CONNECT_MS)
    const connect = {
      timeout: connectTimeout,
      ...(url.protocol === 'https:' && {
        secureContext: secureContext(trust.registry, await this.#tls(trust, options)),
        rejectUnauthorized: trust.verify,
      }),
    }
    const shared = {
      allowH2: false,
      connections: limits.connectionsPerHost,
      connectTimeout,
      headersTimeout: stallTimeoutMs,
      bodyTimeout: stallTimeoutMs,
      keepAliveTimeout: KEEP_ALIVE_MS,
    }
    const proxy = proxyFor(url)
    const dispatcher =
      proxy === undefined
        ? new Agent({ ...shared, connect })
        : new ProxyAgent({
            ...shared,
            ...proxyAddress(proxy),
            requestTls: connect,
            proxyTls: { timeout: connectTimeout },
          })
    this.#dispatchers.add(dispatcher)
    return { dispatcher, places: new Semaphore(limits.requestsPerHost) }
  }
}

/** Parsed once for each host: a store of 140 certificates costs milliseconds for each connection otherwise. */
function secureContext(registry: string, { ca, cert, key }: TlsOrder): ReturnType<typeof createSecureContext> {
  try {
    return createSecureContext({ ca: [...ca], ...(cert !== undefined && { cert }), ...(key !== undefined && { key }) })
  } catch (error) {
    throw new AirliftError('CERTIFICATE_INVALID', `certificates for ${registry} cannot be used: ${messageOf(error)}`, {
      cause: error,
      hint: `check the PEM files in certs.d/${registry}`,
    })
  }
}

function proxyAddress(proxy: URL): { uri: string; token?: string } {
  if (proxy.username === '') return { uri: proxy.origin }
  const pair = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`
  return { uri: proxy.origin, token: `Basic ${Buffer.from(pair).toString('base64')}` }
}
