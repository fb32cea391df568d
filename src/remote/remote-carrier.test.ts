import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { randomBytes } from '../../test/support/random-image.ts'
import { AirliftError, messageOf } from '../base/errors.ts'
import type { CarryOptions, ContentSource, Place } from '../content/ports.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { digestOf } from '../oci/digest.ts'
import type { BlobOrders } from './blob-orders.ts'
import type { OrderingSource, OrderingTarget } from './carry-job.ts'
import type { HttpOrder, UploadTicket } from './http-order.ts'
import { RemoteCarrier } from './remote-carrier.ts'
import type { RemoteCarrierOptions } from './remote-carrier.ts'
import { responseError } from './request-errors.ts'

const BYTES = randomBytes(3_000_000, 'carried')
const BLOB: Descriptor = { mediaType: 'application/octet-stream', digest: digestOf(BYTES), size: BYTES.length }
const WRONG = Buffer.concat([BYTES.subarray(1), Buffer.from([7])])
const FROM: Place = { kind: 'repository', registry: 'source.example', repository: 'a' }
const TO = { kind: 'repository', registry: 'target.example', repository: 'b' } as const

interface Server extends AsyncDisposable {
  readonly url: string
  readonly requests: IncomingMessage[]
}

async function serve(...answers: readonly RequestListener[]): Promise<Server> {
  const requests: IncomingMessage[] = []
  const server = createServer((request, response) => {
    requests.push(request)
    const answer = answers[requests.length - 1] ?? answers.at(-1)
    answer?.(request, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    requests,
    [Symbol.asyncDispose]: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

const send =
  (bytes: Buffer): RequestListener =>
  (request, response) => {
    const offset = Number(/^bytes=(?<from>\d+)-$/.exec(request.headers.range ?? '')?.groups?.['from'] ?? 0)
    const range = offset > 0 && { 'content-range': `bytes ${offset}-${bytes.length - 1}/${bytes.length}` }
    response
      .writeHead(offset > 0 ? 206 : 200, { 'content-length': bytes.length - offset, ...range })
      .end(bytes.subarray(offset))
  }

const cutAfter =
  (length: number): RequestListener =>
  (request, response) => {
    response.writeHead(200, { 'content-length': BYTES.length })
    response.write(BYTES.subarray(0, length), () => request.socket.destroy())
  }

const status =
  (code: number, headers: Record<string, string> = {}): RequestListener =>
  (request, response) => {
    request.resume()
    response.writeHead(code, { 'content-length': 2, ...headers }).end('{}')
  }

/** Keeps what arrives whole. */
function keep(stored: Buffer[]): RequestListener {
  return (request, response) => void collect(request, response)
  async function collect(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      stored.push(Buffer.concat(await request.toArray()))
      response.writeHead(201).end()
    } catch {
      // Cut: nothing is kept.
    }
  }
}

const unused = (): never => {
  throw new Error('not expected here')
}

const refusal =
  (side: 'source' | 'target'): BlobOrders['refusal'] =>
  (_order, doing, answer) =>
    responseError({ side, registry: `${side}.example`, lookedIn: () => [] }, doing, answer)

function source({ url }: Server, changes: Partial<OrderingSource> = {}): OrderingSource {
  return {
    open: unused,
    blobGet: () => Promise.resolve({ url, headers: { authorization: 'Bearer old' } }),
    resolveRedirect: (order, location) => Promise.resolve({ url: new URL(location, order.url).href, headers: {} }),
    reauthorise: (order) => Promise.resolve({ ...order, headers: { authorization: 'Bearer new' } }),
    refusal: refusal('source'),
    ...changes,
  }
}

interface Target extends OrderingTarget {
  readonly log: string[]
}

function target({ url }: Server, changes: Partial<OrderingTarget> = {}, ticket: Partial<UploadTicket> = {}): Target {
  const log: string[] = []
  return {
    log,
    has: unused,
    put: unused,
    beginUpload: () => {
      log.push('begin')
      return Promise.resolve({ kind: 'upload', order: { url, headers: {} }, location: url, ...ticket })
    },
    abandonUpload: () => {
      log.push('abandon')
      return Promise.resolve()
    },
    reauthorise: (order: HttpOrder) => {
      log.push('reauthorise')
      return Promise.resolve(order)
    },
    refusal: refusal('target'),
    ...changes,
  }
}

/** A sink that takes streams, as the general client does. */
function streamSink(stored: Buffer[]): Pick<OrderingTarget, 'put'> {
  return { put: async (_content, bytes) => void stored.push(Buffer.concat((await bytes.toArray()) as Buffer[])) }
}

interface Carried {
  readonly progress: number[]
  readonly retries: string[]
}

async function carry(
  from: ContentSource | OrderingSource,
  to: OrderingTarget,
  options: Partial<RemoteCarrierOptions & CarryOptions> & { readonly place?: Place } = {},
): Promise<Carried> {
  const progress: number[] = []
  const retries: string[] = []
  using carrier = new RemoteCarrier({
    source: () => from,
    target: () => to,
    retry: { times: 2, delayMs: 1 },
    stallTimeoutMs: 2000,
    blobsPerHost: 4,
    ...options,
  })
  await carrier.carry(
    { content: BLOB, from: options.place ?? FROM, to: TO },
    {
      signal: options.signal ?? new AbortController().signal,
      onProgress: (received) => progress.push(received),
      onRetry: ({ attempt, error }) => retries.push(`${attempt}: ${messageOf(error)}`),
    },
  )
  return { progress, retries }
}

describe('RemoteCarrier between registries', () => {
  it('moves a blob with one GET and one PUT', async () => {
    const stored: Buffer[] = []
    await using a = await serve(send(BYTES))
    await using b = await serve(keep(stored))
    const to = target(b)

    const { progress, retries } = await carry(source(a), to)

    expect(stored.map((bytes) => bytes.equals(BYTES))).toEqual([true])
    expect([a.requests.length, b.requests.length, to.log, retries]).toEqual([1, 1, ['begin'], []])
    expect(progress.at(-1)).toBe(BYTES.length)
  })

  it('asks for a new token once on each side', async () => {
    const stored: Buffer[] = []
    await using a = await serve(status(401), send(BYTES))
    await using b = await serve(status(401), keep(stored))
    const to = target(b)

    const { retries } = await carry(source(a), to)

    expect(a.requests.map(({ headers }) => headers.authorization)).toEqual(['Bearer old', 'Bearer new', 'Bearer old'])
    expect([stored.length, to.log, retries]).toEqual([1, ['begin', 'reauthorise', 'abandon', 'begin'], []])
  })

  it('fails when a new token is refused too', async () => {
    await using a = await serve(status(401))
    await using b = await serve(unused)

    await expect(carry(source(a), target(b))).rejects.toMatchObject({
      code: 'AUTH_REQUIRED',
      details: { side: 'source' },
    })
    expect(a.requests).toHaveLength(2)
  })

  it('follows redirects, but not without end', async () => {
    const stored: Buffer[] = []
    const hop = status(307, { location: '/next' })
    await using a = await serve(hop, hop, hop, hop, hop, send(BYTES))
    await using loop = await serve(hop)
    await using b = await serve(keep(stored))

    await carry(source(a), target(b))
    const refused = carry(source(loop), target(b))

    await expect(refused).rejects.toMatchObject({ code: 'REGISTRY_UNSUPPORTED' })
    expect([a.requests.length, loop.requests.length, stored.length]).toEqual([6, 6, 1])
  })

  it('goes on after a cut from the registry, inside the same upload', async () => {
    const stored: Buffer[] = []
    await using a = await serve(cutAfter(1_500_000), status(307, { location: '/again' }), send(BYTES))
    await using b = await serve(keep(stored))
    const to = target(b)

    const { retries } = await carry(source(a), to)

    expect(stored.map((bytes) => bytes.equals(BYTES))).toEqual([true])
    expect(a.requests.map(({ headers }) => headers.range)).toEqual([undefined, 'bytes=1500000-', 'bytes=1500000-'])
    expect(to.log).toEqual(['begin'])
    expect(retries).toEqual([expect.stringContaining('1: source: reading blob sha256:')])
  })

  it('starts over where the source cannot go on', async () => {
    const stored: Buffer[] = []
    await using a = await serve(cutAfter(500_000), status(416), send(BYTES))
    await using b = await serve(keep(stored))
    const to = target(b)

    await carry(source(a), to)

    expect(to.log).toEqual(['begin', 'abandon', 'begin'])
    expect(stored.map((bytes) => bytes.equals(BYTES))).toEqual([true])
  })

  it('waits as long as a busy side asks for', async () => {
    const stored: Buffer[] = []
    await using a = await serve(status(429, { 'retry-after': '1' }), send(BYTES))
    await using b = await serve(status(503), keep(stored))
    const startedAt = performance.now()

    const { retries } = await carry(source(a), target(b))

    expect(performance.now() - startedAt).toBeGreaterThan(950)
    expect(retries).toHaveLength(2)
    expect(stored).toHaveLength(1)
  })

  it('gives up after the attempts that it may make', async () => {
    await using a = await serve(status(500))
    await using b = await serve(unused)

    await expect(carry(source(a), target(b))).rejects.toMatchObject({ code: 'REGISTRY_FAILED' })
    expect(a.requests).toHaveLength(3)
  })

  it('counts only attempts that brought nothing: a bad line does not kill a big blob', async () => {
    const stored: Buffer[] = []
    const size = 12_000_000
    const bytes = randomBytes(size, 'big')
    await using a = await serve((request, response) => {
      const offset = Number(/\d+/.exec(request.headers.range ?? '0')?.[0])
      const range = offset > 0 && { 'content-range': `bytes ${offset}-${size - 1}/${size}` }
      response.writeHead(offset > 0 ? 206 : 200, { 'content-length': size - offset, ...range })
      response.write(bytes.subarray(offset, offset + 1_200_000), () => request.socket.destroy())
    })
    await using b = await serve(keep(stored))
    using carrier = new RemoteCarrier({
      source: () => source(a),
      target: () => target(b),
      retry: { times: 1, delayMs: 1 },
      stallTimeoutMs: 2000,
      blobsPerHost: 1,
    })

    await carrier.carry(
      { content: { ...BLOB, digest: digestOf(bytes), size }, from: FROM, to: TO },
      { signal: new AbortController().signal, onProgress: () => undefined, onRetry: () => undefined },
    )

    expect(a.requests).toHaveLength(10)
    expect(stored.map((got) => got.equals(bytes))).toEqual([true])
  })

  it.each([
    ['a wrong digest', send(WRONG), 'DIGEST_MISMATCH'],
    ['a wrong length', send(BYTES.subarray(1)), 'SIZE_MISMATCH'],
  ])('tries %s once again from scratch, and stores nothing of it', async (_name, bad, code) => {
    const stored: Buffer[] = []
    await using once = await serve(bad, send(BYTES))
    await using always = await serve(bad)
    await using b = await serve(keep(stored))

    const { retries } = await carry(source(once), target(b), { retry: { times: 0, delayMs: 1 } })
    const failed = carry(source(always), target(b))

    await expect(failed).rejects.toMatchObject({ code })
    expect(retries).toHaveLength(1)
    expect(always.requests).toHaveLength(2)
    expect(stored.map((bytes) => bytes.equals(BYTES))).toEqual([true])
  })

  it('takes the general client where a body has no length', async () => {
    const stored: Buffer[] = []
    await using a = await serve((_request, response) => void response.writeHead(200).end(BYTES))
    await using b = await serve(unused)
    const opened: (number | undefined)[] = []
    const from = source(a, {
      open: (_content, { offset }) => {
        opened.push(offset)
        return Promise.resolve(Readable.from([BYTES]))
      },
    })

    await carry(from, target(b, streamSink(stored)))

    expect(opened).toEqual([0])
    expect(stored.map((bytes) => bytes.equals(BYTES))).toEqual([true])
  })

  it.each<[string, Partial<OrderingSource>, Partial<UploadTicket>, string[]]>([
    [
      'a proxy to the source',
      { blobGet: () => Promise.resolve({ url: 'http://x/', headers: {}, proxy: 'http://p/' }) },
      {},
      [],
    ],
    [
      'a proxy to the target',
      {},
      { order: { url: 'http://x/', headers: {}, proxy: 'http://p/' } },
      ['begin', 'abandon'],
    ],
    ['a target that wants chunks', {}, { minChunk: 1000 }, ['begin', 'abandon']],
    [
      'a redirect behind a proxy',
      { resolveRedirect: () => Promise.resolve({ url: 'http://x/', headers: {}, proxy: 'http://p/' }) },
      {},
      ['begin', 'abandon'],
    ],
  ])('takes the general client for %s', async (_name, changes, ticket, log) => {
    const stored: Buffer[] = []
    await using a = await serve(status(307, { location: '/x' }))
    await using b = await serve(unused)
    const to = target(b, streamSink(stored), ticket)

    await carry(source(a, { open: () => Promise.resolve(Readable.from([BYTES])), ...changes }), to)

    expect(stored.map((bytes) => bytes.equals(BYTES))).toEqual([true])
    expect(to.log).toEqual(log)
  })

  it('goes over to chunks when the target says that the blob is too large', async () => {
    const stored: Buffer[] = []
    await using a = await serve(send(BYTES))
    await using b = await serve(status(413))
    const from = source(a, { open: () => Promise.resolve(Readable.from([BYTES])) })

    await carry(from, target(b, streamSink(stored)))

    expect(stored).toHaveLength(1)
  })

  it('says which side could not be reached', async () => {
    await using a = await serve(send(BYTES))
    const gone = await serve(unused)
    await gone[Symbol.asyncDispose]()
    await using b = await serve(keep([]))

    await expect(carry(source(a), target(gone))).rejects.toMatchObject({
      code: 'REGISTRY_UNREACHABLE',
      message: expect.stringMatching(/^target: writing blob sha256:\w+: connection refused$/),
    })
    await expect(carry(source(gone), target(b))).rejects.toMatchObject({
      code: 'REGISTRY_UNREACHABLE',
      message: expect.stringMatching(/^source: reading blob sha256:\w+: connection refused$/),
    })
  })

  it('moves no more blobs at once than a host may have', async () => {
    let open = 0
    let most = 0
    await using a = await serve((request, response) => {
      open += 1
      most = Math.max(most, open)
      send(BYTES)(request, response)
    })
    const bodies: Buffer[] = []
    await using b = await serve((request, response) => {
      keep(bodies)(request, response)
      response.once('finish', () => (open -= 1))
    })
    using carrier = new RemoteCarrier({
      source: () => source(a),
      target: () => target(b),
      retry: { times: 0, delayMs: 1 },
      stallTimeoutMs: 2000,
      blobsPerHost: 2,
    })
    const options = { signal: new AbortController().signal, onProgress: () => undefined, onRetry: () => undefined }

    await Promise.all(Array.from({ length: 6 }, () => carrier.carry({ content: BLOB, from: FROM, to: TO }, options)))

    expect(bodies).toHaveLength(6)
    expect(most).toBe(2)
  })

  it('ends with the reason of an abort, also while it waits for a retry', async () => {
    const stop = new AbortController()
    await using a = await serve(status(503, { 'retry-after': '60' }))
    await using b = await serve(unused)

    const carried = carry(source(a), target(b), { signal: stop.signal })
    await expect.poll(() => a.requests.length).toBe(1)
    stop.abort(new Error('stop'))

    await expect(carried).rejects.toBe(stop.signal.reason)
  })
})

describe('RemoteCarrier from other places', () => {
  const layout: Place = { kind: 'layout', name: 'images' }

  it('streams from a layout, going on after a cut', async () => {
    const stored: Buffer[] = []
    await using b = await serve(unused)
    const opened: (number | undefined)[] = []
    const from: ContentSource = {
      open: (_content, { offset = 0 }) => {
        opened.push(offset)
        return Promise.resolve(Readable.from(offset === 0 ? cut(BYTES.subarray(0, 1000)) : [BYTES.subarray(offset)]))
      },
    }
    function* cut(bytes: Buffer): Generator<Buffer> {
      yield bytes
      throw new AirliftError('REGISTRY_UNREACHABLE', 'cut')
    }

    const { retries } = await carry(from, target(b, streamSink(stored)), { place: layout })

    expect(opened).toEqual([0, 1000])
    expect(stored.map((bytes) => bytes.equals(BYTES))).toEqual([true])
    expect(retries).toEqual(['1: cut'])
  })

  it('tells what is wrong with the content, not what the sink saw of it', async () => {
    await using b = await serve(unused)
    const from: ContentSource = { open: () => Promise.resolve(Readable.from([WRONG])) }

    await expect(carry(from, target(b, streamSink([])), { place: layout })).rejects.toMatchObject({
      code: 'DIGEST_MISMATCH',
    })
  })

  it('needs no fetch for what the cache holds', async () => {
    const stored: Buffer[] = []
    await using a = await serve(unused)
    await using b = await serve(unused)
    const cache: ContentSource = { open: () => Promise.resolve(Readable.from([BYTES])) }

    await carry(source(a), target(b, streamSink(stored)), { cache })

    expect(stored.map((bytes) => bytes.equals(BYTES))).toEqual([true])
    expect(a.requests).toHaveLength(0)
  })

  it.each<[string, ContentSource['open']]>([
    ['has not', () => Promise.reject(new AirliftError('BLOB_UNKNOWN', 'no such blob'))],
    ['has damaged', () => Promise.resolve(Readable.from([WRONG]))],
    ['has cut short', () => Promise.resolve(Readable.from([BYTES.subarray(5)]))],
  ])('fetches in silence what the cache %s', async (_name, open) => {
    const stored: Buffer[] = []
    await using a = await serve(send(BYTES))
    await using b = await serve(keep(stored))
    const streamed: Buffer[] = []

    const { retries } = await carry(source(a), target(b, streamSink(streamed)), { cache: { open } })

    expect(stored.map((bytes) => bytes.equals(BYTES))).toEqual([true])
    expect([streamed, retries]).toEqual([[], []])
  })
})
