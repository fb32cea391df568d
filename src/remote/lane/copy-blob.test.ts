import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { createServer as createTcpServer } from 'node:net'
import type { AddressInfo, Server } from 'node:net'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { randomBytes } from '../../../test/support/random-image.ts'
import { issueCertificate, makeCa } from '../../../test/support/tls.ts'
import type { Expected } from '../../content/verify-stream.ts'
import { digestOf } from '../../oci/digest.ts'
import type { HttpOrder, TlsOrder } from '../http-order.ts'
import type { SourceProblem } from './blob-source.ts'
import { copyBlob } from './copy-blob.ts'
import type { CopyOptions, CopyOutcome, Lanes } from './copy-blob.ts'
import { LaneGet } from './http-get.ts'
import { LanePut } from './http-put.ts'
import { SlabPool } from './slab-relay.ts'

const BLOB = randomBytes(1_500_000, 'blob')

interface Peer extends AsyncDisposable {
  readonly url: string
  /** Connections that were made. */
  readonly connections: () => number
}

async function listen(server: Server, scheme = 'http'): Promise<Peer> {
  let connections = 0
  const open = new Set<{ destroy: () => void }>()
  server.on('connection', (socket) => {
    connections += 1
    open.add(socket)
    socket.on('close', () => open.delete(socket))
    socket.on('error', () => undefined)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `${scheme}://127.0.0.1:${port}/blob?sig=a%2Bb`,
    connections: () => connections,
    [Symbol.asyncDispose]: async () => {
      server.close()
      for (const socket of open) socket.destroy()
      await once(server, 'close').catch(() => undefined)
    },
  }
}

const http = (handler: RequestListener): Promise<Peer> => listen(createHttpServer(handler))

/** Answers each connection's first bytes with exactly `bytes`. */
const scripted = (...chunks: readonly (string | Buffer)[]): Promise<Peer> =>
  listen(
    createTcpServer((socket) => {
      socket.once('data', () => {
        for (const chunk of chunks) socket.write(chunk)
      })
    }),
  )

const serveBlob =
  (blob: Buffer = BLOB): RequestListener =>
  (_request, response) => {
    response.writeHead(200, { 'content-length': blob.length }).end(blob)
  }

interface Target extends Peer {
  /** Bodies that came to their end, and how the others were cut. */
  readonly stored: Buffer[]
  readonly cut: number[]
  readonly requests: IncomingMessage[]
}

async function target(
  answer: (response: ServerResponse) => void = created,
  tls?: Parameters<typeof createHttpsServer>[0],
): Promise<Target> {
  const stored: Buffer[] = []
  const cut: number[] = []
  const requests: IncomingMessage[] = []
  const handler: RequestListener = (request, response) => {
    requests.push(request)
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      stored.push(Buffer.concat(chunks))
      answer(response)
    })
    request.on('error', () => cut.push(Buffer.concat(chunks).length))
  }
  const peer = await (tls === undefined ? http(handler) : listen(createHttpsServer(tls, handler), 'https'))
  return { ...peer, stored, cut, requests }
}

const created = (response: ServerResponse): void => void response.writeHead(201, { location: '/x' }).end()

interface Run extends Partial<CopyOptions> {
  readonly content?: Expected
  readonly tls?: TlsOrder
  readonly lanes?: Lanes
}

function describeBlob(bytes: Buffer): Expected {
  return { digest: digestOf(bytes), size: bytes.length }
}

function makeLanes(): Lanes & Disposable {
  const lanes = { get: new LaneGet(), put: new LanePut(), slabs: new SlabPool() }
  return {
    ...lanes,
    [Symbol.dispose]: () => {
      lanes.get[Symbol.dispose]()
      lanes.put[Symbol.dispose]()
    },
  }
}

async function copy(from: { readonly url: string }, to: { readonly url: string }, run: Run = {}): Promise<CopyOutcome> {
  using own = makeLanes()
  const order = (url: string): HttpOrder => ({
    url,
    headers: { authorization: 'Bearer t' },
    ...(run.tls !== undefined && { tls: run.tls }),
  })
  const { content = describeBlob(BLOB), lanes = own } = run
  return copyBlob({ content, get: order(from.url), put: order(to.url) }, lanes, {
    signal: new AbortController().signal,
    stallTimeoutMs: 5000,
    nextSource: () => Promise.resolve(undefined),
    onProgress: () => undefined,
    ...run,
  })
}

/** Goes on with the same order after each cut. */
const again = ({ order }: SourceProblem): Promise<HttpOrder> => Promise.resolve(order)

describe('copyBlob', () => {
  it.each([0, 1, 65_535, 262_144, 262_145, 1_500_000])('moves a blob of %i bytes', async (size) => {
    const blob = randomBytes(size, 'sized')
    await using source = await http(serveBlob(blob))
    await using sink = await target()

    const outcome = await copy(source, sink, { content: describeBlob(blob) })

    expect(outcome).toEqual({ kind: 'copied' })
    expect(sink.stored.map((bytes) => bytes.equals(blob))).toEqual([true])
    expect(sink.requests[0]).toMatchObject({
      method: 'PUT',
      url: '/blob?sig=a%2Bb',
      headers: { 'content-length': String(size), authorization: 'Bearer t' },
    })
  })

  it('asks for the bytes as they are, as the order says', async () => {
    const asked: IncomingMessage[] = []
    await using source = await http((request, response) => {
      asked.push(request)
      serveBlob()(request, response)
    })
    await using sink = await target()

    await copy(source, sink)

    expect(asked[0]).toMatchObject({
      url: '/blob?sig=a%2Bb',
      headers: { host: new URL(source.url).host, 'accept-encoding': 'identity', authorization: 'Bearer t' },
    })
  })

  it('moves a blob over TLS with an authority of its own, and refuses another', async () => {
    const ca = await makeCa()
    const issued = await issueCertificate(ca)
    await using source = await listen(createHttpsServer(issued, serveBlob()), 'https')
    await using sink = await target(created, issued)

    const trusted = await copy(source, sink, { tls: { ca: [ca.cert], verify: true } })
    const unverified = await copy(source, sink, { tls: { ca: [], verify: false } })
    const strange = await copy(source, sink, { tls: { ca: [(await makeCa()).cert], verify: true } })

    expect([trusted.kind, unverified.kind]).toEqual(['copied', 'copied'])
    expect(sink.stored.map((bytes) => bytes.equals(BLOB))).toEqual([true, true])
    expect(strange).toMatchObject({ kind: 'source-failed', problem: { failure: { kind: 'unreachable' } } })
  })

  it('keeps every byte of a TLS source that is faster than its target', async () => {
    const ca = await makeCa()
    const issued = await issueCertificate(ca)
    const blob = randomBytes(8_000_000, 'fast')
    await using source = await listen(createHttpsServer(issued, serveBlob(blob)), 'https')
    const stored: Buffer[] = []
    await using sink = await http((request, response) => {
      void (async () => {
        for await (const chunk of request as AsyncIterable<Buffer>) {
          stored.push(chunk)
          await new Promise(setImmediate)
        }
        created(response)
      })()
    })

    const outcome = await copy(source, sink, { content: describeBlob(blob), tls: { ca: [ca.cert], verify: true } })

    expect(outcome).toEqual({ kind: 'copied' })
    expect(Buffer.concat(stored).equals(blob)).toBe(true)
  })

  it('reuses one connection on each side', async () => {
    using lanes = makeLanes()
    await using source = await http(serveBlob())
    await using sink = await target()

    for (let index = 0; index < 3; index += 1) await copy(source, sink, { lanes })

    expect([source.connections(), sink.connections()]).toEqual([1, 1])
  })

  it('takes a fresh connection where the source closed the idle one', async () => {
    using lanes = makeLanes()
    let asked = 0
    await using source = await http((request, response) => {
      asked += 1
      if (asked === 2) request.socket.destroy()
      else serveBlob()(request, response)
    })
    await using sink = await target()

    await copy(source, sink, { lanes })
    const outcome = await copy(source, sink, { lanes })

    expect(outcome).toEqual({ kind: 'copied' })
    expect(asked).toBe(3)
  })

  it('does not reuse a connection that the source says it closes', async () => {
    using lanes = makeLanes()
    await using source = await http((_request, response) => {
      response.writeHead(200, { 'content-length': BLOB.length, connection: 'close' }).end(BLOB)
    })
    await using sink = await target()

    const outcomes = [await copy(source, sink, { lanes }), await copy(source, sink, { lanes })]

    expect(outcomes).toEqual([{ kind: 'copied' }, { kind: 'copied' }])
    expect(source.connections()).toBe(2)
  })

  it('goes on inside the same PUT after each cut', async () => {
    const ranges: (string | undefined)[] = []
    await using source = await http((request, response) => {
      const { range } = request.headers
      ranges.push(range)
      const offset = Number(/^bytes=(?<from>\d+)-$/.exec(range ?? '')?.groups?.['from'] ?? 0)
      const rest = BLOB.subarray(offset)
      response.writeHead(offset === 0 ? 200 : 206, {
        'content-length': rest.length,
        ...(offset > 0 && { 'content-range': `bytes ${offset}-${BLOB.length - 1}/${BLOB.length}` }),
      })
      if (rest.length <= 500_000) response.end(rest)
      else response.write(rest.subarray(0, 500_000), () => request.socket.destroy())
    })
    await using sink = await target()

    const outcome = await copy(source, sink, { nextSource: again })

    expect(outcome).toEqual({ kind: 'copied' })
    expect(ranges).toEqual([undefined, 'bytes=500000-', 'bytes=1000000-'])
    expect(sink.stored.map((bytes) => bytes.equals(BLOB))).toEqual([true])
    expect(sink.requests).toHaveLength(1)
  })

  it.each<[string, RequestListener]>([
    [
      'answers a range with the whole',
      (_request, response) => void response.writeHead(200, { 'content-length': BLOB.length }).end(BLOB),
    ],
    [
      'answers with another range',
      (_request, response) =>
        void response
          .writeHead(206, { 'content-length': 10, 'content-range': `bytes 0-9/${BLOB.length}` })
          .end(BLOB.subarray(0, 10)),
    ],
    ['refuses ranges', (_request, response) => void response.writeHead(416).end()],
  ])('says so when a source %s', async (_name, second) => {
    await using source = await http((request, response) => {
      if (request.headers.range !== undefined) return second(request, response)
      response.writeHead(200, { 'content-length': BLOB.length })
      response.write(BLOB.subarray(0, 500_000), () => request.socket.destroy())
    })
    await using sink = await target()

    const outcome = await copy(source, sink, { nextSource: again })

    expect(outcome).toEqual({ kind: 'source-cannot-resume' })
    expect(sink.stored).toEqual([])
  })

  it('never completes a blob of the wrong digest', async () => {
    const wrong = Buffer.from(BLOB)
    wrong[700_000] = (wrong[700_000] ?? 0) ^ 1
    await using source = await http(serveBlob(wrong))
    await using sink = await target()

    const outcome = await copy(source, sink)

    expect(outcome).toEqual({ kind: 'wrong-digest', actual: digestOf(wrong) })
    await expect.poll(() => sink.cut.length).toBe(1)
    expect(sink.cut[0]).toBeLessThan(BLOB.length)
    expect(sink.stored).toEqual([])
  })

  it.each([BLOB.length - 1, BLOB.length + 1])(
    'refuses a source of %i bytes before anything is sent',
    async (length) => {
      await using source = await http(serveBlob(Buffer.alloc(length)))
      await using sink = await target()

      expect(await copy(source, sink)).toEqual({ kind: 'wrong-size', announced: length })
      expect(sink.requests).toEqual([])
    },
  )

  it('leaves a chunked or compressed body to another client', async () => {
    await using chunked = await http((_request, response) => void response.writeHead(200).end(BLOB))
    await using gzip = await http(
      (_request, response) =>
        void response.writeHead(200, { 'content-length': BLOB.length, 'content-encoding': 'gzip' }).end(BLOB),
    )
    await using sink = await target()

    expect(await copy(chunked, sink)).toEqual({ kind: 'source-unsupported', reason: 'a body without a length' })
    expect(await copy(gzip, sink)).toEqual({ kind: 'source-unsupported', reason: 'content-encoding "gzip"' })
  })

  it('lets its caller follow a redirect and answer a challenge', async () => {
    await using storage = await http(serveBlob())
    await using registry = await http((request, response) => {
      if (request.headers.authorization !== 'Bearer fresh')
        response.writeHead(401, { 'www-authenticate': 'Bearer realm="x"' }).end('{}')
      else response.writeHead(307, { location: storage.url }).end()
    })
    await using sink = await target()
    const problems: unknown[] = []

    const outcome = await copy(registry, sink, {
      nextSource: (problem) => {
        problems.push(problem.kind === 'answered' ? problem.response.status : problem)
        return Promise.resolve(
          problems.length === 1
            ? { url: registry.url, headers: { authorization: 'Bearer fresh' } }
            : { url: storage.url, headers: {} },
        )
      },
    })

    expect(outcome).toEqual({ kind: 'copied' })
    expect(problems).toEqual([401, 307])
  })

  it('hands over an answer that its caller can do nothing with', async () => {
    await using source = await http(
      (_request, response) => void response.writeHead(404, { 'x-a': 'b', 'content-length': 13 }).end('{"errors":[]}'),
    )
    await using sink = await target()

    expect(await copy(source, sink)).toMatchObject({
      kind: 'source-failed',
      problem: {
        kind: 'answered',
        received: 0,
        response: { status: 404, headers: { 'x-a': 'b' }, body: '{"errors":[]}' },
      },
    })
  })

  it.each([
    ['two lengths', `HTTP/1.1 200 OK\r\ncontent-length: ${BLOB.length}\r\ncontent-length: 1\r\n\r\n`],
    ['no HTTP', '220 smtp.example ESMTP\r\n'],
    ['an endless head', `HTTP/1.1 200 OK\r\n${'x: yyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n'.repeat(4000)}`],
  ])('refuses a source with %s', async (_name, head) => {
    await using source = await scripted(head)
    await using sink = await target()

    expect(await copy(source, sink)).toMatchObject({
      kind: 'source-failed',
      problem: { failure: { kind: 'protocol' } },
    })
    expect(sink.requests).toEqual([])
  })

  it('takes not one byte more than was announced', async () => {
    await using source = await scripted(
      `HTTP/1.1 200 OK\r\ncontent-length: ${BLOB.length}\r\n\r\n`,
      BLOB,
      'HTTP/1.1 200 OK\r\n',
    )
    using lanes = makeLanes()
    await using sink = await target()

    const outcomes = [await copy(source, sink, { lanes }), await copy(source, sink, { lanes })]

    // Either the surplus shows in the body, or it makes the connection unfit for another request.
    for (const outcome of outcomes) {
      expect(outcome.kind === 'copied' || JSON.stringify(outcome).includes('more than it announced')).toBe(true)
    }
    expect(source.connections()).toBe(2)
    expect(sink.stored.every((bytes) => bytes.equals(BLOB))).toBe(true)
  })

  it('gives up a source that stops moving, and goes on elsewhere', async () => {
    await using stuck = await http((_request, response) => {
      response.writeHead(200, { 'content-length': BLOB.length })
      response.write(BLOB.subarray(0, 300_000))
    })
    await using rest = await http((request, response) => {
      const offset = Number(/\d+/.exec(request.headers.range ?? '')?.[0])
      response
        .writeHead(206, {
          'content-length': BLOB.length - offset,
          'content-range': `bytes ${offset}-${BLOB.length - 1}/*`,
        })
        .end(BLOB.subarray(offset))
    })
    await using sink = await target()
    const problems: SourceProblem[] = []

    const outcome = await copy(stuck, sink, {
      stallTimeoutMs: 100,
      nextSource: (problem) => {
        problems.push(problem)
        return Promise.resolve({ url: rest.url, headers: {} })
      },
    })

    expect(outcome).toEqual({ kind: 'copied' })
    expect(problems).toMatchObject([{ kind: 'failed', failure: { kind: 'stalled' }, received: 300_000 }])
  })

  it('gives up a source that never answers', async () => {
    await using source = await scripted('')
    await using sink = await target()

    expect(await copy(source, sink, { stallTimeoutMs: 100 })).toMatchObject({
      kind: 'source-failed',
      problem: { failure: { kind: 'stalled' } },
    })
  })

  it.each<[string, RequestListener]>([
    ['takes nothing', (request) => void request.pause()],
    ['never answers', (request) => void request.resume()],
  ])('gives up a target that %s', async (_name, handler) => {
    const blob = randomBytes(30_000_000, 'stall')
    await using source = await http(serveBlob(blob))
    await using sink = await http(handler)

    expect(await copy(source, sink, { content: describeBlob(blob), stallTimeoutMs: 200 })).toMatchObject({
      kind: 'target-failed',
      failure: { kind: 'stalled' },
    })
  })

  it('hears a refusal that comes before the body has ended', async () => {
    const blob = randomBytes(30_000_000, 'refused')
    await using source = await http(serveBlob(blob))
    await using sink = await http((request, response) => {
      response.writeHead(413, { 'x-reason': 'large' }).end('{"errors":[{"code":"DENIED"}]}')
      request.resume()
    })

    expect(await copy(source, sink, { content: describeBlob(blob) })).toMatchObject({
      kind: 'target-answered',
      response: { status: 413, headers: { 'x-reason': 'large' }, body: '{"errors":[{"code":"DENIED"}]}' },
    })
  })

  it('believes no success that comes before the body has ended', async () => {
    const blob = randomBytes(30_000_000, 'early')
    await using source = await http(serveBlob(blob))
    await using sink = await http((_request, response) => created(response))

    expect(await copy(source, sink, { content: describeBlob(blob) })).toMatchObject({
      kind: 'target-failed',
      failure: { kind: 'protocol' },
    })
  })

  it('says when the target cuts, and when there is none', async () => {
    await using source = await http(serveBlob())
    await using sink = await http((request) => void request.socket.destroy())
    const gone = await target()
    await gone[Symbol.asyncDispose]()

    expect(await copy(source, sink)).toMatchObject({ kind: 'target-failed', failure: { kind: 'cut' } })
    expect(await copy(source, gone)).toMatchObject({
      kind: 'target-failed',
      failure: { kind: 'unreachable', code: 'ECONNREFUSED' },
    })
  })

  it('ends with the reason of an abort and leaves no connection open', async () => {
    const stop = new AbortController()
    const closed: string[] = []
    await using source = await http((request, response) => {
      request.socket.on('close', () => closed.push('source'))
      response.writeHead(200, { 'content-length': BLOB.length })
      response.write(BLOB.subarray(0, 1_000_000))
    })
    await using sink = await http((request) => {
      request.socket.on('close', () => closed.push('target'))
      request.once('data', () => stop.abort(new Error('stop')))
    })

    await expect(copy(source, sink, { signal: stop.signal })).rejects.toThrow('stop')
    await expect.poll(() => closed.toSorted()).toEqual(['source', 'target'])
  })

  it('reads an answer however its bytes are split', async () => {
    const blob = randomBytes(300, 'split')
    const answer = Buffer.concat([
      Buffer.from(
        `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: ${blob.length}\r\nconnection: close\r\n\r\n`,
      ),
      blob,
    ])
    await using sink = await target()
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.integer({ min: 1, max: answer.length - 1 }), { maxLength: 4 }),
        async (cuts) => {
          const edges = [0, ...cuts.toSorted((a, b) => a - b), answer.length]
          await using source = await listen(
            createTcpServer((socket) => {
              socket.setNoDelay(true)
              socket.once('data', () => void sendParts(edges.slice(1).map((to, at) => answer.subarray(edges[at], to))))
              async function sendParts(parts: readonly Buffer[]): Promise<void> {
                for (const part of parts) {
                  await new Promise<void>((resolve) => void socket.write(part, () => setImmediate(resolve)))
                }
              }
            }),
          )
          expect(await copy(source, sink, { content: describeBlob(blob) })).toEqual({ kind: 'copied' })
          expect(sink.stored.at(-1)?.equals(blob)).toBe(true)
        },
      ),
      { numRuns: 40 },
    )
  })
})
