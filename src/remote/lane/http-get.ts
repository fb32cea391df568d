/**
 * GET requests for blobs, over a pool of raw keep-alive connections.
 *
 * A body is taken only with a `Content-Length`: anything else is `unsupported`,
 * and the caller falls back to the general client. Redirects and challenges are
 * the caller's, who knows which host may see which credentials.
 */
import { validateHeaderName, validateHeaderValue } from 'node:http'
import type { HttpOrder } from '../http-order.ts'
import { LaneConnection } from './connection.ts'
import type { BodyOutcome, BodySink } from './connection.ts'
import { MAX_ANSWER_BYTES } from './lane-types.ts'
import type { LaneFailure, LaneResponse } from './lane-types.ts'
import type { ResponseHead } from './response-head.ts'
import { TlsContexts } from './tls-contexts.ts'

export interface GetOptions {
  readonly signal: AbortSignal
  /** First byte wanted; 0 for the whole blob. */
  readonly offset: number
  readonly stallTimeoutMs: number
}

export type GetAnswer =
  | { readonly kind: 'body'; readonly head: ResponseHead; readonly length: number; readonly body: LaneBody }
  | { readonly kind: 'answered'; readonly response: LaneResponse }
  | { readonly kind: 'unsupported'; readonly reason: string }
  | { readonly kind: 'failed'; readonly failure: LaneFailure }

const CONNECT_TIMEOUT_MS = 30_000
/** Shorter than any server's own limit that we know of, so a pooled connection is rarely stale. */
const IDLE_MS = 4000
/** Idle connections kept for each host. */
const IDLE_LIMIT = 16

interface Exchange extends GetOptions {
  readonly key: string
  readonly request: string
}

export class LaneGet implements Disposable {
  readonly #contexts = new TlsContexts()
  readonly #idle = new Map<string, Map<LaneConnection, NodeJS.Timeout>>()
  #closed = false

  /**
   * Sends the request and answers once the head is there. A body must be delivered or destroyed.
   *
   * @throws `signal.reason`; failures of the peer are outcomes.
   */
  async open(order: HttpOrder, options: GetOptions): Promise<GetAnswer> {
    const url = new URL(order.url)
    const tls = url.protocol === 'https:' ? order.tls : undefined
    if (url.protocol !== 'http:' && tls === undefined)
      return { kind: 'unsupported', reason: `${url.protocol} without TLS settings` }
    const key = `${url.protocol}//${url.host} ${tls === undefined ? '' : this.#contexts.key(tls)}`
    const exchange = { ...options, key, request: requestHead(url, order.headers, options.offset) }
    for (;;) {
      options.signal.throwIfAborted()
      const pooled = this.#takeIdle(key)
      if (pooled !== undefined) {
        const answer = await this.#ask(pooled, exchange)
        if (answer !== 'stale') return answer
        continue
      }
      const connectTimeoutMs = Math.min(options.stallTimeoutMs, CONNECT_TIMEOUT_MS)
      const { connection, ready } = LaneConnection.open(url, {
        tls: tls === undefined ? undefined : this.#contexts.options(tls),
        connectTimeoutMs,
      })
      const failure = await untilAborted(connection, options.signal, ready)
      if (failure !== undefined) return { kind: 'failed', failure }
      const answer = await this.#ask(connection, exchange)
      return answer === 'stale'
        ? { kind: 'failed', failure: { kind: 'cut', message: 'closed without an answer' } }
        : answer
    }
  }

  [Symbol.dispose](): void {
    this.#closed = true
    for (const connections of this.#idle.values()) {
      for (const [connection, timer] of connections) {
        clearTimeout(timer)
        connection.destroy()
      }
    }
    this.#idle.clear()
  }

  /** `stale` where the peer closed the connection without a word. */
  async #ask(connection: LaneConnection, exchange: Exchange): Promise<GetAnswer | 'stale'> {
    const asked = connection.request(exchange.request, { stallTimeoutMs: exchange.stallTimeoutMs })
    const outcome = await untilAborted(connection, exchange.signal, asked)
    if (outcome.kind === 'failed') {
      const { failure } = outcome
      return outcome.silent && failure.kind === 'cut' ? 'stale' : { kind: 'failed', failure }
    }
    const { head } = outcome
    const body = new LaneBody(connection, exchange.signal, () => this.#giveBack(exchange.key, connection))
    if (head.status !== 200 && head.status !== 206) return { kind: 'answered', response: await readAnswer(head, body) }
    const encoding = head.headers['content-encoding'] ?? 'identity'
    if (head.framing.kind === 'unknown' || encoding.toLowerCase() !== 'identity') {
      body.destroy()
      return {
        kind: 'unsupported',
        reason: head.framing.kind === 'unknown' ? 'a body without a length' : `content-encoding "${encoding}"`,
      }
    }
    return { kind: 'body', head, length: head.framing.bytes, body }
  }

  #takeIdle(key: string): LaneConnection | undefined {
    const connections = this.#idle.get(key)
    for (const [connection, timer] of connections ?? []) {
      clearTimeout(timer)
      connections?.delete(connection)
      if (connection.isIdle) return connection
    }
    return undefined
  }

  #giveBack(key: string, connection: LaneConnection): void {
    if (!connection.isIdle) return
    const connections = this.#idle.get(key) ?? new Map<LaneConnection, NodeJS.Timeout>()
    if (this.#closed || connections.size >= IDLE_LIMIT) return connection.destroy()
    this.#idle.set(key, connections)
    const timer = setTimeout(() => {
      connections.delete(connection)
      connection.destroy()
    }, IDLE_MS)
    connections.set(connection, timer.unref())
  }
}

/** The body of an answer, waiting for where to go. */
export class LaneBody {
  readonly #connection: LaneConnection
  readonly #signal: AbortSignal
  readonly #onComplete: () => void

  constructor(connection: LaneConnection, signal: AbortSignal, onComplete: () => void) {
    this.#connection = connection
    this.#signal = signal
    this.#onComplete = onComplete
  }

  /** @throws `signal.reason` */
  async deliver(sink: BodySink): Promise<BodyOutcome> {
    const outcome = await untilAborted(this.#connection, this.#signal, this.#connection.deliver(sink))
    if (outcome.kind === 'complete') this.#onComplete()
    return outcome
  }

  /** Goes on after the sink asked for a pause. */
  resume(): void {
    this.#connection.resume()
  }

  /** Gives the body up, and its connection. */
  destroy(): void {
    this.#connection.destroy()
  }
}

/** Destroys the connection when `signal` aborts first. */
async function untilAborted<T>(connection: LaneConnection, signal: AbortSignal, work: Promise<T>): Promise<T> {
  const onAbort = (): void => connection.destroy()
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) onAbort()
  try {
    const result = await work
    signal.throwIfAborted()
    return result
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

async function readAnswer(head: ResponseHead, body: LaneBody): Promise<LaneResponse> {
  const { status, headers, framing } = head
  if (framing.kind === 'unknown' || framing.bytes > MAX_ANSWER_BYTES) {
    body.destroy()
    return { status, headers, body: '' }
  }
  const bytes = Buffer.alloc(Math.max(framing.bytes, 1))
  let filled = 0
  const outcome = await body.deliver({
    room: () => bytes.subarray(filled),
    filled: (length) => {
      filled += length
      return true
    },
  })
  return { status, headers, body: outcome.kind === 'complete' ? bytes.toString('utf8', 0, filled) : '' }
}

function requestHead(url: URL, headers: Readonly<Record<string, string>>, offset: number): string {
  const fields = new Map<string, string>([['host', url.host]])
  for (const [name, value] of Object.entries(headers)) {
    validateHeaderName(name)
    validateHeaderValue(name, value)
    fields.set(name.toLowerCase(), value)
  }
  // The length of an encoded body would not be the blob's.
  fields.set('accept-encoding', 'identity')
  if (offset > 0) fields.set('range', `bytes=${offset}-`)
  const lines = [...fields].map(([name, value]) => `${name}: ${value}\r\n`)
  return `GET ${url.pathname}${url.search} HTTP/1.1\r\n${lines.join('')}\r\n`
}
