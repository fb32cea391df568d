import { buffer } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { randomBytes } from '../../test/support/random-image.ts'
import { OPEN, scriptedRegistry } from '../../test/support/scripted-registry.ts'
import type { Entry, ReceivedRequest, Reply } from '../../test/support/scripted-registry.ts'
import { testClient } from '../../test/support/test-client.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { digestOf } from '../oci/digest.ts'
import type { RequestRetry } from './endpoint.ts'

const { signal } = new AbortController()
const BYTES = randomBytes(200_000, 'blob')
const BLOB: Descriptor = { mediaType: 'application/octet-stream', digest: digestOf(BYTES), size: BYTES.length }
const PATH = `GET /v2/a/b/blobs/${BLOB.digest}`

/** A server that does ranges. */
function ranged({ headers }: ReceivedRequest): Reply {
  const from = Number(/^bytes=(?<from>\d+)-$/.exec(headers.range ?? '')?.groups?.['from'] ?? 0)
  if (from === 0) return { body: BYTES }
  const range = `bytes ${from}-${BYTES.length - 1}/${BYTES.length}`
  return { status: 206, headers: { 'content-range': range }, body: BYTES.subarray(from) }
}

async function read(
  script: readonly Entry[],
  offset = 0,
): Promise<{ bytes: Buffer; ranges: unknown[]; retries: RequestRetry[] }> {
  const retries: RequestRetry[] = []
  await using registry = await scriptedRegistry([OPEN, ...script])
  await using client = testClient({ onRetry: (event) => retries.push(event) })
  const repository = client.repository({ registry: registry.host, repository: 'a/b' })
  const bytes = await buffer(await repository.open(BLOB, { signal, offset }))
  return { bytes, ranges: registry.requests.slice(1).map(({ headers }) => headers.range), retries }
}

describe('open', () => {
  it('gives the whole blob in one request, uncompressed', async () => {
    const { bytes, ranges } = await read([{ on: PATH, headers: { 'accept-encoding': 'identity' }, reply: ranged }])

    expect(digestOf(bytes)).toBe(BLOB.digest)
    expect(ranges).toEqual([undefined])
  })

  it('starts at an offset', async () => {
    const { bytes, ranges } = await read([{ on: PATH, reply: ranged }], 150_000)

    expect(bytes).toEqual(BYTES.subarray(150_000))
    expect(ranges).toEqual(['bytes=150000-'])
  })

  it('asks for nothing behind the end', async () => {
    expect(await read([], BYTES.length)).toMatchObject({ bytes: Buffer.alloc(0), ranges: [] })
  })

  it('passes over what it has where a server does no ranges', async () => {
    const { bytes } = await read([{ on: PATH, reply: { body: BYTES } }], 150_000)

    expect(bytes).toEqual(BYTES.subarray(150_000))
  })

  it.each([1, 70_000, 199_999])('goes on after a cut behind %i bytes', async (cutAfter) => {
    const { bytes, ranges, retries } = await read([
      { on: PATH, times: 1, reply: { body: BYTES, cutAfter } },
      { on: PATH, reply: ranged },
    ])

    expect(digestOf(bytes)).toBe(BLOB.digest)
    expect(ranges).toEqual([undefined, `bytes=${cutAfter}-`])
    expect(retries).toHaveLength(1)
  })

  it('goes on after a body that is short, and one that stops moving', async () => {
    const { bytes, ranges } = await read([
      { on: PATH, times: 1, reply: { headers: { 'transfer-encoding': 'chunked' }, body: BYTES.subarray(0, 50_000) } },
      { on: PATH, times: 1, reply: (request) => ({ ...ranged(request), stallAfter: 10_000 }) },
      { on: PATH, reply: ranged },
    ])

    expect(digestOf(bytes)).toBe(BLOB.digest)
    expect(ranges).toEqual([undefined, 'bytes=50000-', 'bytes=60000-'])
  })

  it('gives up after as many cuts as retries are allowed', async () => {
    const reading = read([{ on: PATH, reply: (request) => ({ ...ranged(request), cutAfter: 1 }) }])

    await expect(reading).rejects.toMatchObject({
      code: 'REGISTRY_UNREACHABLE',
      message: expect.stringContaining(BLOB.digest),
    })
  })

  it.each([
    [
      'a content-length that does not fit',
      { headers: { 'content-length': '199999' }, body: BYTES.subarray(1) },
      'SIZE_MISMATCH',
    ],
    ['an endless body', { body: BYTES, endless: true }, 'SIZE_MISMATCH'],
    ['a compressed body', { headers: { 'content-encoding': 'gzip' }, body: BYTES }, 'REGISTRY_UNSUPPORTED'],
    ['an absence', { status: 404, body: '{"errors":[{"code":"BLOB_UNKNOWN"}]}' }, 'BLOB_UNKNOWN'],
    ['a refusal', { status: 403, body: '{"errors":[{"code":"DENIED","message":"no"}]}' }, 'REGISTRY_REFUSED'],
    [
      'a body that ends early every time',
      { headers: { 'transfer-encoding': 'chunked' }, body: BYTES.subarray(0, 5) },
      'REGISTRY_UNREACHABLE',
    ],
  ] satisfies [string, Reply, string][])('fails on %s', async (_, reply, code) => {
    await expect(read([{ on: PATH, reply }])).rejects.toMatchObject({ code })
  })

  it.each(['bytes 0-199999/200000', 'bytes 100-199999/300000', 'nonsense'])('refuses the range %s', async (range) => {
    const reply = { status: 206, headers: { 'content-range': range }, body: BYTES.subarray(100) }

    await expect(read([{ on: PATH, reply }], 100)).rejects.toMatchObject({ code: 'REGISTRY_UNSUPPORTED' })
  })

  it('frees its connection when the reader leaves early, or never reads', async () => {
    await using registry = await scriptedRegistry([OPEN, { on: PATH, reply: { body: BYTES, stallAfter: 100_000 } }])
    await using client = testClient({ limits: { connectionsPerHost: 1, requestsPerHost: 1 }, stallTimeoutMs: 10_000 })
    const repository = client.repository({ registry: registry.host, repository: 'a/b' })

    const unread = await repository.open(BLOB, { signal })
    unread.destroy()
    const begun = await repository.open(BLOB, { signal })
    for await (const _ of begun) break
    const last = await repository.open(BLOB, { signal })
    last.destroy()

    expect(registry.requests).toHaveLength(4)
  })

  it('ends with the reason of its signal', async () => {
    await using registry = await scriptedRegistry([OPEN, { on: PATH, reply: { body: BYTES, stallAfter: 10 } }])
    await using client = testClient({ stallTimeoutMs: 10_000 })
    const stop = new AbortController()

    const stream = await client.repository({ registry: registry.host, repository: 'a/b' }).open(BLOB, stop)
    const reading = buffer(stream)
    stop.abort(new Error('enough'))

    await expect(reading).rejects.toThrow('enough')
  })
})

describe('a redirect', () => {
  const location = (to: string, status = 307): Reply => ({ status, headers: { location: to } })

  it('leads to another host, without the credentials', async () => {
    await using storage = await scriptedRegistry([{ on: 'GET /bucket?signature=1', reply: { body: BYTES } }])
    await using registry = await scriptedRegistry([
      { on: 'GET /v2/', reply: { status: 401, headers: { 'www-authenticate': 'Basic realm="r"' } } },
      { on: PATH, reply: location(`${storage.url}/bucket?signature=1`) },
    ])
    await using client = testClient({ credential: { kind: 'basic', username: 'ann', password: 'pw' } })

    const bytes = await buffer(
      await client.repository({ registry: registry.host, repository: 'a/b' }).open(BLOB, { signal }),
    )

    expect(digestOf(bytes)).toBe(BLOB.digest)
    expect(registry.requests[1]?.headers.authorization).toMatch(/^Basic /)
    expect(storage.requests[0]?.headers.authorization).toBeUndefined()
  })

  it('brings no credentials back from another host', async () => {
    await using storage = await scriptedRegistry([])
    await using registry = await scriptedRegistry([
      { on: 'GET /v2/', reply: { status: 401, headers: { 'www-authenticate': 'Basic realm="r"' } } },
      { on: PATH, reply: location(`${storage.url}/out`) },
      { on: 'GET /back', reply: { body: BYTES } },
    ])
    storage.add({ on: 'GET /out', reply: location(`${registry.url}/back`) })
    await using client = testClient({ credential: { kind: 'basic', username: 'ann', password: 'pw' } })

    await buffer(await client.repository({ registry: registry.host, repository: 'a/b' }).open(BLOB, { signal }))

    expect(registry.requests.at(-1)?.headers.authorization).toBeUndefined()
  })

  it('on the same host keeps them', async () => {
    await using registry = await scriptedRegistry([
      { on: 'GET /v2/', reply: { status: 401, headers: { 'www-authenticate': 'Basic realm="r"' } } },
      { on: PATH, reply: location('/storage/1') },
      {
        on: 'GET /storage/1',
        headers: { authorization: `Basic ${Buffer.from('ann:pw').toString('base64')}` },
        reply: { body: BYTES },
      },
    ])
    await using client = testClient({ credential: { kind: 'basic', username: 'ann', password: 'pw' } })

    const bytes = await buffer(
      await client.repository({ registry: registry.host, repository: 'a/b' }).open(BLOB, { signal }),
    )

    expect(bytes).toHaveLength(BLOB.size)
  })

  it.each([
    ['a loop', PATH.slice(4)],
    ['another scheme', 'file:///etc/passwd'],
    ['nonsense', 'http://[nowhere'],
  ])('is not followed when it is %s', async (_, to) => {
    await using registry = await scriptedRegistry([OPEN, { on: PATH, reply: location(to, 302) }])
    await using client = testClient()

    const opening = client.repository({ registry: registry.host, repository: 'a/b' }).open(BLOB, { signal })

    await expect(opening).rejects.toMatchObject({ code: 'REGISTRY_UNSUPPORTED' })
    expect(registry.requests.length).toBeLessThanOrEqual(7)
  })
})
