/**
 * A registry that follows a script: which requests it expects, what it answers,
 * and how its answers break. What the script does not have is an error of the
 * test, told when the registry is closed.
 *
 * Entries are tried in order; the first that matches, and is not used up, answers.
 */
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { ServerOptions } from 'node:https'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'

export interface ReceivedRequest {
  /** `GET /v2/a/tags/list?n=1000`. */
  readonly line: string
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
  /** Of the client: one for each connection. */
  readonly port: number
}

export interface Reply {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  readonly body?: string | Uint8Array
  /** Closes the connection after so many bytes of the body. */
  readonly cutAfter?: number
  /** Sends so many bytes of the body, and then nothing more. */
  readonly stallAfter?: number
  /** Repeats the body until the client closes. */
  readonly endless?: boolean
}

export interface Entry {
  /** Method, path and query; or a pattern of them. */
  readonly on: string | RegExp
  /** Headers that the request must have, or with `undefined`, must not have. */
  readonly headers?: Readonly<Record<string, string | undefined>>
  /** Any number of times unless told. */
  readonly times?: number
  /** Only in this state; a registry starts in `''`. */
  readonly inState?: string
  readonly toState?: string
  readonly reply: Reply | ((request: ReceivedRequest) => Reply)
}

export interface ScriptedRegistry extends AsyncDisposable {
  /** `127.0.0.1:34567`. */
  readonly host: string
  readonly url: string
  readonly requests: readonly ReceivedRequest[]
  /** Lines of {@link requests}. */
  readonly lines: () => readonly string[]
  readonly add: (...entries: readonly Entry[]) => void
}

/** `GET /v2/` of a registry that lets everybody in. */
export const OPEN: Entry = { on: 'GET /v2/', reply: { body: '{}' } }

export async function scriptedRegistry(
  script: readonly Entry[],
  options: { readonly tls?: ServerOptions } = {},
): Promise<ScriptedRegistry> {
  const entries = script.map(playable)
  const requests: ReceivedRequest[] = []
  const unexpected: string[] = []
  let state = ''

  async function serve(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const line = `${message.method} ${message.url}`
    const port = message.socket.remotePort ?? 0
    const request = { line, headers: message.headers, body: await buffer(message), port }
    requests.push(request)
    const found = entries.find((candidate) => candidate.left > 0 && matches(candidate.entry, request, state))
    if (found === undefined) {
      unexpected.push(line)
      response.writeHead(501).end('not in the script')
      return
    }
    found.left -= 1
    state = found.entry.toState ?? state
    const { reply } = found.entry
    send(response, typeof reply === 'function' ? reply(request) : reply)
  }

  const listener: RequestListener = (message, response) => {
    serve(message, response).catch(() => response.destroy())
  }
  const server = options.tls === undefined ? createHttpServer(listener) : createHttpsServer(options.tls, listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    host,
    url: `${options.tls === undefined ? 'http' : 'https'}://${host}`,
    requests,
    lines: () => requests.map(({ line }) => line),
    add: (...added) => {
      entries.push(...added.map(playable))
    },
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
      if (unexpected.length > 0) throw new Error(`not in the script: ${unexpected.join(', ')}`)
    },
  }
}

interface Playable {
  readonly entry: Entry
  left: number
}

function playable(entry: Entry): Playable {
  return { entry, left: entry.times ?? Infinity }
}

function matches({ on, headers = {}, inState }: Entry, request: ReceivedRequest, state: string): boolean {
  if (inState !== undefined && inState !== state) return false
  if (typeof on === 'string' ? on !== request.line : !on.test(request.line)) return false
  return Object.entries(headers).every(([name, value]) => request.headers[name] === value)
}

function send(response: ServerResponse, reply: Reply): void {
  const { status = 200, headers = {}, body = '', cutAfter, stallAfter, endless = false } = reply
  const bytes = Buffer.from(body)
  if (endless) {
    response.writeHead(status, asList(headers))
    return repeat(response, bytes)
  }
  const hasLength = Object.keys(headers).some((name) => ['content-length', 'transfer-encoding'].includes(name))
  response.writeHead(status, { ...(!hasLength && { 'content-length': bytes.length }), ...asList(headers) })
  if (cutAfter !== undefined) {
    response.write(bytes.subarray(0, cutAfter), () => response.socket?.destroy())
    if (cutAfter === 0) response.flushHeaders()
    return
  }
  if (stallAfter !== undefined) {
    response.flushHeaders()
    if (stallAfter > 0) response.write(bytes.subarray(0, stallAfter))
    return
  }
  response.end(bytes)
}

function asList(headers: NonNullable<Reply['headers']>): Record<string, string | string[]> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, typeof value === 'string' ? value : [...value]]),
  )
}

function repeat(response: ServerResponse, bytes: Buffer): void {
  const more = (): void => {
    while (!response.destroyed && response.write(bytes)) if (response.socket === null) return
  }
  response.on('drain', more)
  more()
}
