/**
 * PUT requests for blobs: memory of the caller is written as it is and comes back
 * through a callback, so nothing is copied or allocated for each piece.
 *
 * `node:http` writes as cheaply as a raw socket does, and reads every form of
 * answer. An answer may come before the body has ended: a refusal does.
 */
import { Agent as HttpAgent, request as requestHttp } from 'node:http'
import type { ClientRequest, IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as requestHttps } from 'node:https'
import type { HttpOrder } from '../http-order.ts'
import { failure, MAX_ANSWER_BYTES, StallTimer } from './lane-types.ts'
import type { LaneFailure, LaneResponse } from './lane-types.ts'
import { serverName, TlsContexts } from './tls-contexts.ts'

export interface PutOptions {
  readonly signal: AbortSignal
  /** Bytes that will be written in all. */
  readonly size: number
  readonly stallTimeoutMs: number
}

export type PutOutcome =
  /** `whole`: every byte had been written when the answer came. */
  | { readonly kind: 'answered'; readonly response: LaneResponse; readonly whole: boolean }
  | {
      readonly kind: 'failed'
      readonly failure: LaneFailure
      /** The connection had served before and was closed without a word: trying again costs nothing. */
      readonly stale: boolean
    }

/** Idle connections kept for each host, and for how long. */
const IDLE_LIMIT = 16
const IDLE_MS = 4000

export class LanePut implements Disposable {
  readonly #contexts = new TlsContexts()
  readonly #agents = new Map<string, HttpAgent | HttpsAgent>()

  /** Begins the request. Its outcome tells what came of it. */
  start(order: HttpOrder, options: PutOptions): PutRequest {
    options.signal.throwIfAborted()
    const url = new URL(order.url)
    const headers = { ...order.headers, 'content-length': String(options.size) }
    const tls = url.protocol === 'https:' ? order.tls : undefined
    const common = { method: 'PUT', headers, agent: this.#agent(tls) }
    const request =
      tls === undefined ? requestHttp(url, common) : requestHttps(url, { ...common, servername: serverName(url) })
    return new PutRequest(request, options)
  }

  [Symbol.dispose](): void {
    for (const agent of this.#agents.values()) agent.destroy()
    this.#agents.clear()
  }

  #agent(tls: HttpOrder['tls']): HttpAgent | HttpsAgent {
    const key = tls === undefined ? '' : this.#contexts.key(tls)
    const known = this.#agents.get(key)
    if (known !== undefined) return known
    const limits = { keepAlive: true, maxFreeSockets: IDLE_LIMIT, timeout: IDLE_MS, scheduling: 'lifo' } as const
    const agent =
      tls === undefined ? new HttpAgent(limits) : new HttpsAgent({ ...limits, ...this.#contexts.options(tls) })
    this.#agents.set(key, agent)
    return agent
  }
}

export class PutRequest {
  /** Rejects only with `signal.reason`. */
  readonly outcome: Promise<PutOutcome>
  readonly #request: ClientRequest
  readonly #stall: StallTimer
  readonly #settle: (outcome: PutOutcome) => void
  #pending = 0
  #moved = false
  #ended = false
  #answering = false

  constructor(request: ClientRequest, { signal, stallTimeoutMs }: PutOptions) {
    const { promise, resolve, reject } = Promise.withResolvers<PutOutcome>()
    const onAbort = (): void => {
      reject(signal.reason as Error)
      this.destroy()
    }
    signal.addEventListener('abort', onAbort, { once: true })
    this.#settle = resolve
    this.#request = request
    this.#stall = new StallTimer(stallTimeoutMs, () =>
      this.#fail({ kind: 'stalled', message: `nothing moved for ${stallTimeoutMs} ms` }),
    )
    this.outcome = promise.finally(() => {
      signal.removeEventListener('abort', onAbort)
      this.#stall.stop()
    })
    // Whoever writes may learn of the outcome later than it is there.
    this.outcome.catch(() => undefined)
    request.on('error', (error) => this.#fail(failure(this.#moved ? 'cut' : 'unreachable', error)))
    request.on('close', () => {
      if (!this.#answering) this.#fail({ kind: 'cut', message: 'the connection closed without an answer' })
    })
    request.on('response', (response) => void this.#answered(response))
  }

  /** Queues `bytes`, which must stay as they are until `done`; not called when the request fails. */
  write(bytes: Uint8Array, done: () => void): void {
    this.#pending += 1
    this.#stall.touch()
    this.#request.write(bytes, (error) => {
      if (error !== null && error !== undefined) return
      this.#pending -= 1
      this.#moved = true
      if (this.#pending > 0 || this.#ended) this.#stall.touch()
      else this.#stall.stop()
      done()
    })
  }

  /** All has been written; the peer owes an answer. */
  end(): void {
    this.#ended = true
    this.#stall.touch()
    this.#request.end()
  }

  /** Cuts the connection: the peer sees a body that never ended. */
  destroy(): void {
    this.#stall.stop()
    this.#request.destroy()
  }

  async #answered(response: IncomingMessage): Promise<void> {
    this.#answering = true
    const whole = this.#ended
    this.#stall.touch()
    const body = await readBody(response)
    this.#settle({
      kind: 'answered',
      whole,
      response: { status: response.statusCode ?? 0, headers: flatten(response), body },
    })
    if (!whole) this.destroy()
  }

  #fail(reason: LaneFailure): void {
    this.#settle({ kind: 'failed', failure: reason, stale: this.#request.reusedSocket && reason.kind !== 'stalled' })
    this.destroy()
  }
}

async function readBody(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > MAX_ANSWER_BYTES) return ''
      chunks.push(chunk)
    }
  } catch {
    return '' // The status has said what matters.
  }
  return Buffer.concat(chunks).toString('utf8')
}

function flatten(response: IncomingMessage): Record<string, string> {
  const entries = Object.entries(response.headers).map(
    ([name, value]) => [name, [value ?? ''].flat().join(', ')] as const,
  )
  return Object.fromEntries(entries)
}
