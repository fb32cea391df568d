/**
 * One keep-alive connection for GET requests, on a raw socket.
 *
 * The body is read straight into the memory of a {@link BodySink}: no stream, no
 * buffer for each chunk. That is a third of the CPU time of any HTTP client.
 *
 * ```
 * idle ─request()─▶ head ─▶ held ─deliver()─▶ body ─▶ idle
 *   └──────────────────┴─────┴───── error, close ─────┴──▶ closed
 * ```
 */
import { connect as connectTcp } from 'node:net'
import type { OnReadOpts, Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { ConnectionOptions } from 'node:tls'
import { failure, StallTimer } from './lane-types.ts'
import type { LaneFailure } from './lane-types.ts'
import { parseResponseHead } from './response-head.ts'
import type { ResponseHead } from './response-head.ts'
import { serverName, socketHost } from './tls-contexts.ts'
import type { TlsOptions } from './tls-contexts.ts'

/** Where a body goes. Called between two turns of the event loop only. */
export interface BodySink {
  /** Memory to read into, at least one byte; stays valid until `filled` has taken all of it. */
  room(): Uint8Array
  /** The next `length` bytes of the room are there. `false` asks for a pause; some more may come all the same. */
  filled(length: number): boolean
}

export type HeadOutcome =
  | { readonly kind: 'head'; readonly head: ResponseHead }
  /** `silent`: not one byte was answered, as when an idle connection had been closed by the peer. */
  | { readonly kind: 'failed'; readonly failure: LaneFailure; readonly silent: boolean }

export type BodyOutcome = { readonly kind: 'complete' } | { readonly kind: 'failed'; readonly failure: LaneFailure }

export interface ConnectionOptionsForLane {
  /** Undefined for plain `http:`. */
  readonly tls: TlsOptions | undefined
  readonly connectTimeoutMs: number
}

const SCRATCH_BYTES = 64 * 1024

type State =
  | { readonly at: 'connecting'; readonly done: (failure: LaneFailure | undefined) => void }
  | { readonly at: 'idle' | 'held' | 'closed' }
  | { readonly at: 'head'; readonly done: (outcome: HeadOutcome) => void }
  | { readonly at: 'body'; readonly sink: BodySink; readonly done: (outcome: BodyOutcome) => void }

export class LaneConnection {
  readonly #scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES)
  readonly #socket: Socket
  #state: State
  #stall: StallTimer
  #head: Buffer = Buffer.alloc(0)
  #held: Buffer[] = []
  #keepAlive = false
  #remaining = 0
  /** The memory that the socket reads into next; a sink's own while a body runs. */
  #room: Uint8Array = this.#scratch
  #failure: LaneFailure | undefined

  /** `ready` resolves once requests can be made, or with what went wrong; it never rejects. */
  static open(
    url: URL,
    options: ConnectionOptionsForLane,
  ): { connection: LaneConnection; ready: Promise<LaneFailure | undefined> } {
    const { promise: ready, resolve } = Promise.withResolvers<LaneFailure | undefined>()
    return { connection: new LaneConnection(url, options, resolve), ready }
  }

  private constructor(url: URL, options: ConnectionOptionsForLane, done: (failure: LaneFailure | undefined) => void) {
    this.#state = { at: 'connecting', done }
    this.#stall = new StallTimer(options.connectTimeoutMs, () =>
      this.#fail({
        kind: 'unreachable',
        message: `no connection within ${options.connectTimeoutMs} ms`,
        code: 'ETIMEDOUT',
      }),
    )
    this.#stall.touch()
    this.#socket = connect(url, options.tls, {
      buffer: () => (this.#room = this.#nextRoom()),
      callback: (length, buffer) => this.#read(buffer, length),
    })
    this.#socket.setNoDelay(true)
    this.#socket.once(options.tls === undefined ? 'connect' : 'secureConnect', () => this.#connected())
    this.#socket.on('error', (error) =>
      this.#fail(failure(this.#state.at === 'connecting' ? 'unreachable' : 'cut', error)),
    )
    this.#socket.on('end', () => this.#fail({ kind: 'cut', message: 'the peer closed the connection' }))
    this.#socket.on('close', () => this.#fail({ kind: 'cut', message: 'the connection closed' }))
  }

  /** Whether another request may be made now. */
  get isIdle(): boolean {
    return this.#state.at === 'idle'
  }

  /** Sends `head` and waits for the answer's; the body then waits for {@link deliver}. */
  request(head: string, options: { readonly stallTimeoutMs: number }): Promise<HeadOutcome> {
    if (this.#failure !== undefined) return Promise.resolve({ kind: 'failed', failure: this.#failure, silent: true })
    const { promise, resolve } = Promise.withResolvers<HeadOutcome>()
    this.#state = { at: 'head', done: resolve }
    this.#head = Buffer.alloc(0)
    this.#stall[Symbol.dispose]()
    this.#stall = new StallTimer(options.stallTimeoutMs, () =>
      this.#fail({ kind: 'stalled', message: `nothing came for ${options.stallTimeoutMs} ms` }),
    )
    this.#stall.touch()
    this.#socket.ref()
    this.#socket.write(head, 'latin1')
    return promise
  }

  /** Lets the body flow into `sink` until all of it has come, or the connection fails. */
  deliver(sink: BodySink): Promise<BodyOutcome> {
    const { promise, resolve } = Promise.withResolvers<BodyOutcome>()
    this.#state = { at: 'body', sink, done: resolve }
    const held = this.#held
    this.#held = []
    let wantsMore = true
    for (const bytes of held) wantsMore = this.#copyToSink(bytes)
    if (this.#remaining === 0) this.#complete()
    else if (this.#failure !== undefined) this.#fail(this.#failure)
    else if (wantsMore) this.resume()
    return promise
  }

  /** Goes on after a sink asked for a pause. */
  resume(): void {
    if (this.#state.at !== 'body') return
    this.#stall.touch()
    this.#socket.resume()
  }

  /** Closes at once. What is under way ends with `reason`. */
  destroy(reason: LaneFailure = { kind: 'cut', message: 'given up' }): void {
    this.#fail(reason)
  }

  #connected(): void {
    if (this.#state.at !== 'connecting') return
    const { done } = this.#state
    this.#stall.stop()
    this.#state = { at: 'idle' }
    this.#socket.resume()
    done(undefined)
  }

  #nextRoom(): Uint8Array {
    return this.#state.at === 'body' ? this.#state.sink.room() : this.#scratch
  }

  /** @returns whether the socket may go on reading. */
  #read(buffer: Uint8Array, length: number): boolean {
    const state = this.#state
    if (state.at === 'body') return this.#readBody(buffer, length, state.sink)
    if (state.at === 'head') return this.#readHead(buffer.subarray(0, length), state.done)
    if (state.at === 'held') return this.#hold(Buffer.from(buffer.subarray(0, length)))
    this.#fail({ kind: 'protocol', message: 'the peer spoke without being asked' })
    return false
  }

  /** All of the head has to come within the stall timeout: no timer is touched for a part of it. */
  #readHead(bytes: Uint8Array, done: (outcome: HeadOutcome) => void): boolean {
    this.#head = Buffer.concat([this.#head, bytes])
    const result = parseResponseHead(this.#head)
    if (result.kind === 'incomplete') return true
    if (result.kind === 'malformed') {
      this.#fail({ kind: 'protocol', message: `the answer has ${result.reason}` })
      return false
    }
    const { head, end } = result
    this.#keepAlive = head.keepAlive
    this.#remaining = head.framing.kind === 'length' ? head.framing.bytes : 0
    this.#state = { at: 'held' }
    this.#stall.stop()
    this.#hold(this.#head.subarray(end))
    this.#head = Buffer.alloc(0)
    done({ kind: 'head', head })
    return false
  }

  /** Keeps bytes that came before anybody asked for them. A paused socket adds no more than one read or TLS flight. */
  #hold(bytes: Buffer): boolean {
    if (bytes.length > 0) this.#held.push(bytes)
    return false
  }

  #readBody(buffer: Uint8Array, length: number, sink: BodySink): boolean {
    if (length > this.#remaining) {
      this.#fail({ kind: 'protocol', message: 'the peer sent more than it announced' })
      return false
    }
    this.#stall.touch()
    // The socket may still hold the memory it was given before the sink came.
    const wantsMore =
      buffer === this.#room && buffer !== this.#scratch
        ? this.#fill(length, sink)
        : this.#copyToSink(buffer.subarray(0, length))
    if (this.#remaining === 0) {
      this.#complete()
      // Whatever the sink wanted, it is done: a connection left paused would never see its next answer.
      return true
    }
    if (!wantsMore) this.#stall.stop()
    return wantsMore
  }

  #fill(length: number, sink: BodySink): boolean {
    this.#remaining -= length
    return sink.filled(length)
  }

  #copyToSink(bytes: Uint8Array): boolean {
    if (this.#state.at !== 'body') return false
    if (bytes.length > this.#remaining) {
      this.#fail({ kind: 'protocol', message: 'the peer sent more than it announced' })
      return false
    }
    let wantsMore = true
    for (let offset = 0; offset < bytes.length;) {
      const room = this.#state.sink.room()
      const part = bytes.subarray(offset, offset + room.length)
      room.set(part)
      wantsMore = this.#fill(part.length, this.#state.sink)
      offset += part.length
    }
    return wantsMore
  }

  #complete(): void {
    if (this.#state.at !== 'body') return
    const { done } = this.#state
    this.#stall.stop()
    this.#state = { at: 'idle' }
    if (this.#failure !== undefined || !this.#keepAlive) {
      this.#fail({ kind: 'cut', message: 'the connection is used up' })
    } else {
      this.#socket.unref()
      this.#socket.resume()
    }
    done({ kind: 'complete' })
  }

  #fail(reason: LaneFailure): void {
    if (this.#state.at === 'closed') return
    const state = this.#state
    this.#failure = reason
    this.#state = { at: 'closed' }
    this.#stall.stop()
    this.#socket.destroy()
    if (state.at === 'connecting') state.done(reason)
    else if (state.at === 'head') state.done({ kind: 'failed', failure: reason, silent: this.#head.length === 0 })
    else if (state.at === 'body') state.done({ kind: 'failed', failure: reason })
  }
}

function connect(url: URL, tls: TlsOptions | undefined, onread: OnReadOpts): Socket {
  const host = socketHost(url)
  if (tls === undefined) return connectTcp({ host, port: Number(url.port || 80), onread })
  // `onread` is taken by `tls.connect` too; its types do not say so.
  const options: ConnectionOptions & { readonly onread: OnReadOpts } = {
    ...tls,
    host,
    port: Number(url.port || 443),
    servername: serverName(url),
    onread,
  }
  return connectTls(options)
}
