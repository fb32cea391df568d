import { once } from 'node:events'
import { closeSync, ftruncateSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { IncomingMessage, RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { randomBytes } from '../../test/support/random-image.ts'
import { tempDir } from '../../test/support/temp-dir.ts'
import type { TempDir } from '../../test/support/temp-dir.ts'
import { AirliftError } from '../base/errors.ts'
import type { BlobSlots } from '../content/blob-slots.ts'
import type { CarryOptions, ContentSource, Place } from '../content/ports.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { digestOf } from '../oci/digest.ts'
import type { BlobOrders } from './blob-orders.ts'
import type { OrderingSource } from './carry-job.ts'
import { DiskCarrier } from './disk-carrier.ts'
import type { DiskCarrierOptions } from './disk-carrier.ts'
import { responseError } from './request-errors.ts'

const MIB = 1024 * 1024
const BYTES = randomBytes(5 * MIB + 17, 'carried to a disk')
const BLOB: Descriptor = { mediaType: 'application/octet-stream', digest: digestOf(BYTES), size: BYTES.length }
const WRONG = Buffer.concat([BYTES.subarray(1), Buffer.from([7])])
const FROM: Place = { kind: 'repository', registry: 'source.example', repository: 'a' }
const LAYOUT: Place = { kind: 'layout', name: 'some/layout' }
const OFFSET = 1536

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

const sendWhole: RequestListener = (_request, response) => {
  response.writeHead(200, { 'content-length': BYTES.length }).end(BYTES)
}

const sendChunked: RequestListener = (_request, response) => {
  response.writeHead(200)
  response.write(BYTES.subarray(0, 1000))
  response.end(BYTES.subarray(1000))
}

const cutAfter =
  (length: number): RequestListener =>
  (request, response) => {
    response.writeHead(200, { 'content-length': BYTES.length })
    response.write(BYTES.subarray(0, length), () => request.socket.destroy())
  }

const status =
  (code: number): RequestListener =>
  (request, response) => {
    request.resume()
    response.writeHead(code, { 'content-length': 2 }).end('{}')
  }

const refusal: BlobOrders['refusal'] = (_order, doing, answer) =>
  responseError({ side: 'source', registry: 'source.example', lookedIn: () => [] }, doing, answer)

const stored =
  (bytes: Buffer, opened: number[] = []): ContentSource['open'] =>
  (_content, { offset = 0 }) => {
    opened.push(offset)
    return Promise.resolve(Readable.from([bytes.subarray(offset)]))
  }

function source({ url }: Server, changes: Partial<OrderingSource> = {}): OrderingSource {
  return {
    open: stored(BYTES),
    blobGet: () => Promise.resolve({ url, headers: { authorization: 'Bearer old' } }),
    resolveRedirect: (order, location) => Promise.resolve({ url: new URL(location, order.url).href, headers: {} }),
    reauthorise: (order) => Promise.resolve({ ...order, headers: { authorization: 'Bearer new' } }),
    refusal,
    ...changes,
  }
}

interface TestSlots extends BlobSlots {
  readonly path: string
  readonly reachedAt: number[]
  readonly isCompleted: () => boolean
  readonly stored: () => Buffer
}

function slots(dir: TempDir, left: Buffer = Buffer.alloc(0), path: string = dir.join('volume')): TestSlots {
  if (path === dir.join('volume')) {
    writeFileSync(path, Buffer.concat([Buffer.alloc(OFFSET), left]))
    const fd = openSync(path, 'r+')
    ftruncateSync(fd, OFFSET + BYTES.length + 1024)
    closeSync(fd)
  }
  const reachedAt: number[] = []
  let isCompleted = false
  return {
    path,
    reachedAt,
    isCompleted: () => isCompleted,
    stored: () => readFileSync(path),
    slot: () => (isCompleted ? undefined : { path, offset: OFFSET, received: left.length }),
    reached: (_digest, received) => void reachedAt.push(received),
    completed: () => void (isCompleted = true),
    diskFailed: (error) => new AirliftError('DISK_FULL', 'the disk failed', { cause: error }),
  }
}

async function carry(
  filled: TestSlots,
  from: ContentSource | OrderingSource,
  more: Partial<DiskCarrierOptions> & Partial<CarryOptions> & { readonly place?: Place } = {},
): Promise<{ readonly retries: number; readonly progress: readonly number[] }> {
  const { signal = new AbortController().signal, place = FROM, ...options } = more
  let retries = 0
  const progress: number[] = []
  using carrier = new DiskCarrier({
    slots: filled,
    source: () => from,
    retry: { times: 3, delayMs: 1 },
    stallTimeoutMs: 5000,
    blobsPerHost: 4,
    ...options,
  })
  const to = { kind: 'repository', registry: 'localhost:55000', repository: 'b' } as const
  await carrier.carry(
    { content: BLOB, from: place, to },
    { signal, onProgress: (received) => progress.push(received), onRetry: () => (retries += 1) },
  )
  return { retries, progress }
}

/** The blob at its place, and nothing beside it. */
function expectFilled(filled: TestSlots): void {
  const bytes = filled.stored()
  expect(bytes.subarray(OFFSET, OFFSET + BYTES.length).equals(BYTES)).toBe(true)
  expect(bytes.subarray(0, OFFSET).equals(Buffer.alloc(OFFSET))).toBe(true)
  expect(bytes.subarray(OFFSET + BYTES.length).equals(Buffer.alloc(1024))).toBe(true)
  expect(filled.isCompleted()).toBe(true)
}

const ranges = ({ requests }: Server): (string | undefined)[] => requests.map(({ headers }) => headers.range)

describe('DiskCarrier', () => {
  it('writes a blob to its place, and tells how far it is', async () => {
    await using dir = await tempDir()
    await using server = await serve(send(BYTES))
    const filled = slots(dir)

    const { progress } = await carry(filled, source(server))

    expectFilled(filled)
    expect(progress.at(-1)).toBe(BYTES.length)
    expect(filled.reachedAt.at(-1)).toBe(BYTES.length)
    expect(filled.reachedAt).toEqual(filled.reachedAt.toSorted((a, b) => a - b))
    expect(Math.max(...filled.reachedAt.map((at, index) => at - (filled.reachedAt[index - 1] ?? 0)))).toBeLessThan(MIB)
  })

  it('asks for nothing where the blob is there', async () => {
    await using dir = await tempDir()
    await using server = await serve(send(BYTES))
    const filled = slots(dir)
    filled.completed(BLOB.digest)

    await carry(filled, source(server))

    expect(server.requests).toEqual([])
  })

  it.each([1, 3 * MIB, BYTES.length - 1])('goes on after %d bytes of an earlier run', async (length) => {
    await using dir = await tempDir()
    await using server = await serve(send(BYTES))
    const filled = slots(dir, BYTES.subarray(0, length))

    await carry(filled, source(server))

    expectFilled(filled)
    expect(ranges(server)).toEqual([`bytes=${length}-`])
  })

  it('starts over where the source cannot go on', async () => {
    await using dir = await tempDir()
    await using server = await serve(sendWhole)
    const filled = slots(dir, BYTES.subarray(0, 2 * MIB))

    await carry(filled, source(server))

    expectFilled(filled)
    expect(ranges(server)).toEqual([`bytes=${2 * MIB}-`, undefined])
  })

  it('starts over where what was there has been damaged', async () => {
    await using dir = await tempDir()
    await using server = await serve(send(BYTES))
    const filled = slots(dir, WRONG.subarray(0, 2 * MIB))

    const { retries } = await carry(filled, source(server))

    expectFilled(filled)
    expect(ranges(server)).toEqual([`bytes=${2 * MIB}-`, undefined])
    expect(retries).toBe(1)
  })

  it('fetches what lacks after a cut, and no byte twice', async () => {
    await using dir = await tempDir()
    await using server = await serve(cutAfter(3 * MIB), send(BYTES))
    const filled = slots(dir)

    await carry(filled, source(server))

    expectFilled(filled)
    expect(ranges(server)[0]).toBeUndefined()
    expect(ranges(server)[1]).toMatch(/^bytes=\d{6,7}-$/)
    expect(filled.reachedAt).toEqual(filled.reachedAt.toSorted((a, b) => a - b))
  })

  it('starts over after a cut where the source cannot go on', async () => {
    await using dir = await tempDir()
    await using server = await serve(cutAfter(3 * MIB), sendWhole)
    const filled = slots(dir)

    await carry(filled, source(server))

    expectFilled(filled)
    expect(server.requests).toHaveLength(3)
  })

  it('tries once more where the bytes are wrong', async () => {
    await using dir = await tempDir()
    await using server = await serve(send(WRONG), send(BYTES))
    const filled = slots(dir)

    const { retries } = await carry(filled, source(server))

    expectFilled(filled)
    expect(retries).toBe(1)
  })

  it('gives up where the bytes are wrong again', async () => {
    await using dir = await tempDir()
    await using server = await serve(send(WRONG))
    const filled = slots(dir)

    await expect(carry(filled, source(server))).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' })

    expect(server.requests).toHaveLength(2)
    expect(filled.isCompleted()).toBe(false)
    expect(filled.reachedAt.at(-1)).toBe(0)
  })

  it('tries as often as it may where the source has no luck', async () => {
    await using dir = await tempDir()
    await using server = await serve(status(500), status(503), send(BYTES))
    const filled = slots(dir)

    const { retries } = await carry(filled, source(server))

    expectFilled(filled)
    expect(retries).toBe(2)
  })

  it.each([0, 2 * MIB])(
    'takes what the lane cannot read as a stream, also where %d bytes are there',
    async (length) => {
      await using dir = await tempDir()
      await using server = await serve(sendChunked)
      const opened: number[] = []
      const filled = slots(dir, BYTES.subarray(0, length))

      await carry(filled, source(server, { open: stored(BYTES, opened) }))

      expectFilled(filled)
      expect(opened).toEqual([0])
    },
  )

  it('goes through a proxy as a stream', async () => {
    await using dir = await tempDir()
    await using server = await serve(send(BYTES))
    const opened: number[] = []
    const order = { url: server.url, headers: {}, proxy: 'http://proxy.example:3128' }
    const filled = slots(dir, BYTES.subarray(0, MIB))

    await carry(filled, source(server, { open: stored(BYTES, opened), blobGet: () => Promise.resolve(order) }))

    expectFilled(filled)
    expect(opened).toEqual([MIB])
    expect(server.requests).toEqual([])
  })

  it.each([
    ['goes on from what is there', BYTES.subarray(0, MIB), [MIB]],
    ['starts over where that is damaged', WRONG.subarray(0, MIB), [MIB, 0]],
  ])('reads a layout as a stream, and %s', async (_, left, expected) => {
    await using dir = await tempDir()
    const opened: number[] = []
    const filled = slots(dir, left)

    await carry(filled, { open: stored(BYTES, opened) }, { place: LAYOUT })

    expectFilled(filled)
    expect(opened).toEqual(expected)
  })

  it.each([
    ['shorter', BYTES.subarray(1), 'SIZE_MISMATCH'],
    ['longer', Buffer.concat([BYTES, Buffer.from('x')]), 'SIZE_MISMATCH'],
    ['another', WRONG, 'DIGEST_MISMATCH'],
  ])('refuses a stream that is %s', async (_, bytes, code) => {
    await using dir = await tempDir()
    const filled = slots(dir)

    await expect(carry(filled, { open: stored(bytes) }, { place: LAYOUT })).rejects.toMatchObject({ code })

    expect(filled.isCompleted()).toBe(false)
    expect(
      filled
        .stored()
        .subarray(OFFSET + BYTES.length)
        .equals(Buffer.alloc(1024)),
    ).toBe(true)
  })

  it('takes from a cache what it has', async () => {
    await using dir = await tempDir()
    await using server = await serve(send(BYTES))
    const filled = slots(dir)

    await carry(filled, source(server), { cache: { open: stored(BYTES) } })

    expectFilled(filled)
    expect(server.requests).toEqual([])
  })

  it.each<[string, ContentSource['open']]>([
    ['lacks the blob', () => Promise.reject(new AirliftError('BLOB_UNKNOWN', 'not here'))],
    ['has it damaged', stored(WRONG)],
    ['has half of it', stored(BYTES.subarray(0, MIB))],
  ])('passes over a cache that %s', async (_, open) => {
    await using dir = await tempDir()
    await using server = await serve(send(BYTES))
    const filled = slots(dir)

    const { retries } = await carry(filled, source(server), { cache: { open } })

    expectFilled(filled)
    expect(retries).toBe(0)
  })

  it.each([
    ['over the lane', FROM],
    ['as a stream', LAYOUT],
  ])('says that the disk is full, %s, and does not try again', async (_, place) => {
    await using dir = await tempDir()
    await using server = await serve(send(BYTES))

    const carried = carry(slots(dir, Buffer.alloc(0), '/dev/full'), source(server), { place })

    await expect(carried).rejects.toMatchObject({ code: 'DISK_FULL', cause: { code: 'ENOSPC' } })
    expect(server.requests.length).toBeLessThan(2)
  })

  it('ends at once when it is stopped', async () => {
    await using dir = await tempDir()
    const stop = new AbortController()
    const reason = new Error('stopped')
    await using server = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': BYTES.length })
      response.write(BYTES.subarray(0, MIB), () => stop.abort(reason))
    })

    await expect(carry(slots(dir), source(server), { signal: stop.signal })).rejects.toBe(reason)
  })
})
