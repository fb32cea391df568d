import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { randomBytes } from '../../test/support/random-image.ts'
import { OPEN, scriptedRegistry } from '../../test/support/scripted-registry.ts'
import type { Entry, Reply, ScriptedRegistry } from '../../test/support/scripted-registry.ts'
import { testClient } from '../../test/support/test-client.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { digestOf } from '../oci/digest.ts'
import type { RemoteRepository } from './remote-repository.ts'

const { signal } = new AbortController()
const START = 'POST /v2/a/b/blobs/uploads/'
const CHUNK = 16 * 1024 * 1024

const descriptorOf = (bytes: Buffer): Descriptor => ({
  mediaType: 'application/octet-stream',
  digest: digestOf(bytes),
  size: bytes.length,
})
const BYTES = randomBytes(300_000, 'upload')
const BLOB = descriptorOf(BYTES)
const DIGEST_QUERY = `digest=${encodeURIComponent(BLOB.digest)}`
const accepted = (location: string, headers: Record<string, string> = {}): Reply => ({
  status: 202,
  headers: { location, ...headers },
})
const inPieces = (bytes: Buffer): Readable =>
  Readable.from(
    (function* pieces() {
      for (let at = 0; at < bytes.length; at += 50_000) yield bytes.subarray(at, at + 50_000)
    })(),
    { objectMode: false },
  )

interface Fixture extends AsyncDisposable {
  readonly registry: ScriptedRegistry
  readonly repository: RemoteRepository
}

async function fixture(...script: readonly Entry[]): Promise<Fixture> {
  const registry = await scriptedRegistry([OPEN, ...script])
  const client = testClient({ side: 'target' })
  return {
    registry,
    repository: client.repository({ registry: registry.host, repository: 'a/b' }),
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]()
      await registry[Symbol.asyncDispose]()
    },
  }
}

describe('put', () => {
  it('costs two requests, and keeps the query of the session', async () => {
    await using all = await fixture(
      { on: START, reply: accepted('/v2/a/b/blobs/uploads/1?_state=a%2Fb%20c~') },
      {
        on: `PUT /v2/a/b/blobs/uploads/1?_state=a%2Fb%20c~&${DIGEST_QUERY}`,
        headers: { 'content-length': '300000' },
        reply: { status: 201 },
      },
    )

    await all.repository.put(BLOB, inPieces(BYTES), { signal })

    expect(all.registry.requests).toHaveLength(3)
    expect(digestOf(all.registry.requests[2]?.body ?? BYTES.subarray(1))).toBe(BLOB.digest)
  })

  it('stores an empty blob', async () => {
    const empty = descriptorOf(Buffer.alloc(0))
    await using all = await fixture(
      { on: START, reply: accepted('/u/1') },
      { on: /^PUT \/u\/1\?digest=/, reply: { status: 201 } },
    )

    await all.repository.put(empty, Readable.from([]), { signal })

    expect(all.registry.requests[2]?.headers['content-length']).toBe('0')
  })

  it('takes http as the name that a registry behind a proxy has for itself, on its own origin', async () => {
    await using all = await fixture(
      { on: START, reply: ({ headers }) => accepted(`https://${headers.host}/u/1`) },
      { on: /^PUT \/u\/1/, reply: { status: 201 } },
    )

    await all.repository.put(BLOB, inPieces(BYTES), { signal })

    expect(all.registry.requests).toHaveLength(3)
  })

  it.each([
    ['another host', 'http://127.0.0.2:1/u/1'],
    ['another port', 'http://127.0.0.1:1/u/1'],
    ['another scheme', 'ftp://127.0.0.1/u/1'],
    ['nowhere', ''],
  ])('refuses a session at %s', async (what, location) => {
    await using all = await fixture({ on: START, reply: what === 'nowhere' ? { status: 202 } : accepted(location) })
    const bytes = inPieces(BYTES)

    await expect(all.repository.put(BLOB, bytes, { signal })).rejects.toMatchObject({ code: 'REGISTRY_UNSUPPORTED' })
    expect(bytes.destroyed).toBe(true)
    expect(all.registry.requests).toHaveLength(2)
  })

  it.each([
    ['too short', BYTES.subarray(1), 'SIZE_MISMATCH'],
    ['too long', Buffer.concat([BYTES, BYTES]), 'SIZE_MISMATCH'],
  ])('gives the session up when the bytes are %s', async (_, bytes, code) => {
    await using all = await fixture(
      { on: START, reply: accepted('/u/1') },
      { on: /^PUT/, reply: { status: 400 } },
      { on: 'DELETE /u/1', reply: { status: 204 } },
    )

    await expect(all.repository.put(BLOB, inPieces(bytes), { signal })).rejects.toMatchObject({ code })
    expect(all.registry.lines()).toContain('DELETE /u/1')
  })

  it('fails on bytes of another digest, whatever the registry says', async () => {
    const other = randomBytes(BYTES.length, 'other')
    await using all = await fixture(
      { on: START, reply: accepted('/u/1') },
      { on: /^PUT/, reply: { status: 201 } },
      { on: 'DELETE /u/1', reply: { status: 204 } },
    )

    await expect(all.repository.put(BLOB, inPieces(other), { signal })).rejects.toMatchObject({
      code: 'DIGEST_MISMATCH',
    })
  })

  it('fails with what the source failed with', async () => {
    await using all = await fixture(
      { on: START, reply: accepted('/u/1') },
      { on: 'DELETE /u/1', reply: { status: 204 } },
    )
    const broken = Readable.from(
      (function* pieces() {
        yield BYTES.subarray(0, 1000)
        throw new Error('the source broke')
      })(),
      { objectMode: false },
    )

    await expect(all.repository.put(BLOB, broken, { signal })).rejects.toThrow('the source broke')
  })

  it('does not send a blob twice by itself', async () => {
    await using all = await fixture(
      { on: START, reply: accepted('/u/1') },
      { on: /^PUT/, reply: { status: 503 } },
      { on: 'DELETE /u/1', reply: { status: 204 } },
    )

    await expect(all.repository.put(BLOB, inPieces(BYTES), { signal })).rejects.toMatchObject({
      code: 'REGISTRY_FAILED',
      details: { status: 503 },
    })
    expect(all.registry.lines().filter((line) => line.startsWith('PUT'))).toHaveLength(1)
  })

  it('ends with the reason of its signal, and gives the session up all the same', async () => {
    const stop = new AbortController()
    await using all = await fixture(
      { on: START, reply: accepted('/u/1') },
      { on: 'DELETE /u/1', reply: { status: 204 } },
    )
    const parts = [(): Buffer => BYTES.subarray(0, 10), (): void => stop.abort(new Error('enough'))]
    const endless = new Readable({
      read() {
        const part = parts.shift()?.()
        if (part !== undefined) this.push(part)
      },
    })

    const putting = all.repository.put(BLOB, endless, stop)

    await expect(putting).rejects.toThrow('enough')
    expect(endless.destroyed).toBe(true)
    expect(all.registry.lines().at(-1)).toBe('DELETE /u/1')
  })
})

describe('put in chunks', () => {
  const large = randomBytes(CHUNK + 1000, 'large')
  const content = descriptorOf(large)

  it('sends chunks where the registry announces a length for them', async () => {
    const min = { 'oci-chunk-min-length': '1000' }
    await using all = await fixture(
      { on: START, reply: accepted('/u/0', min) },
      {
        on: 'PATCH /u/0',
        headers: { 'content-range': `0-${CHUNK - 1}`, 'content-length': String(CHUNK) },
        reply: accepted('/u/1', { range: `0-${CHUNK - 1}` }),
      },
      {
        on: 'PATCH /u/1',
        headers: { 'content-range': `${CHUNK}-${CHUNK + 999}` },
        reply: accepted('/u/2', { range: `0-${CHUNK + 999}` }),
      },
      { on: /^PUT \/u\/2\?digest=/, headers: { 'content-length': '0' }, reply: { status: 201 } },
    )

    await all.repository.put(content, inPieces(large), { signal })

    expect(digestOf(Buffer.concat(all.registry.requests.map(({ body }) => body)))).toBe(content.digest)
    expect(all.registry.requests).toHaveLength(5)
  })

  it('sends a blob that is smaller than a chunk in one piece', async () => {
    await using all = await fixture(
      { on: START, reply: accepted('/u/0', { 'oci-chunk-min-length': '1000' }) },
      { on: /^PUT/, reply: { status: 201 } },
    )

    await all.repository.put(BLOB, inPieces(BYTES), { signal })

    expect(all.registry.requests).toHaveLength(3)
  })

  it('stops when the registry took less than was sent', async () => {
    await using all = await fixture(
      { on: START, reply: accepted('/u/0', { 'oci-chunk-min-length': '1000' }) },
      { on: 'PATCH /u/0', reply: accepted('/u/1', { range: '0-99' }) },
      { on: 'DELETE /u/0', reply: { status: 204 } },
    )

    await expect(all.repository.put(content, inPieces(large), { signal })).rejects.toMatchObject({
      code: 'REGISTRY_FAILED',
    })
  })

  it('refuses a chunk location on another host', async () => {
    await using all = await fixture(
      { on: START, reply: accepted('/u/0', { 'oci-chunk-min-length': '1000' }) },
      { on: 'PATCH /u/0', reply: accepted('http://127.0.0.2/u/1') },
      { on: 'DELETE /u/0', reply: { status: 204 } },
    )

    await expect(all.repository.put(content, inPieces(large), { signal })).rejects.toMatchObject({
      code: 'REGISTRY_UNSUPPORTED',
    })
  })

  it('is tried after a 413 to a whole blob', async () => {
    const four = randomBytes(4 * 1024 * 1024, 'four')
    await using all = await fixture(
      { on: START, reply: accepted('/u/0') },
      { on: /^PUT/, times: 1, reply: { status: 413 } },
      { on: 'DELETE /u/0', reply: { status: 204 } },
      { on: 'PATCH /u/0', reply: accepted('/u/0') },
      { on: /^PUT/, reply: { status: 201 } },
    )

    await expect(all.repository.put(descriptorOf(four), inPieces(four), { signal })).rejects.toMatchObject({
      details: { status: 413 },
    })
    await all.repository.put(descriptorOf(four), inPieces(four), { signal })

    expect(all.registry.lines().filter((line) => line.startsWith('PATCH'))).toHaveLength(4)
  })
})

describe('mount', () => {
  const from = (all: Fixture): { registry: string; repository: string } => ({
    registry: all.registry.host,
    repository: 'other/c',
  })

  it('costs one request where the registry does it', async () => {
    await using all = await fixture({
      on: `${START}?mount=${encodeURIComponent(BLOB.digest)}&from=other%2Fc`,
      reply: { status: 201 },
    })

    expect(await all.repository.mount(BLOB, { signal, from: from(all) })).toBe(true)
    expect(all.registry.requests).toHaveLength(2)
  })

  it('asks without a repository too', async () => {
    await using all = await fixture({ on: `${START}?mount=${encodeURIComponent(BLOB.digest)}`, reply: { status: 201 } })

    expect(await all.repository.mount(BLOB, { signal })).toBe(true)
  })

  it('gives up the session that a registry opens instead', async () => {
    await using all = await fixture(
      { on: /^POST/, reply: accepted('/u/1') },
      { on: 'DELETE /u/1', reply: { status: 204 } },
    )

    expect(await all.repository.mount(BLOB, { signal, from: from(all) })).toBe(false)
    expect(all.registry.lines().at(-1)).toBe('DELETE /u/1')
  })

  it.each([400, 401, 403, 404, 405])('is refused by status %i', async (status) => {
    await using all = await fixture({ on: /^POST/, reply: { status } })

    expect(await all.repository.mount(BLOB, { signal, from: from(all) })).toBe(false)
  })

  it('is never asked for across registries', async () => {
    await using all = await fixture()

    expect(await all.repository.mount(BLOB, { signal, from: { registry: 'quay.io', repository: 'x' } })).toBe(false)
    expect(all.registry.requests).toEqual([])
  })

  it('asks for the right to pull from the other repository', async () => {
    await using tokens = await scriptedRegistry([{ on: /^GET \/token/, reply: { body: '{"token":"t"}' } }])
    await using registry = await scriptedRegistry([
      { on: 'GET /v2/', reply: { status: 401, headers: { 'www-authenticate': `Bearer realm="${tokens.url}/token"` } } },
      { on: /^POST/, reply: { status: 201 } },
    ])
    await using client = testClient({ side: 'target' })

    const repository = client.repository({ registry: registry.host, repository: 'a/b' })
    await repository.mount(BLOB, { signal, from: { registry: registry.host, repository: 'other/c' } })

    expect(tokens.lines()).toEqual([
      'GET /token?scope=repository%3Aa%2Fb%3Apull%2Cpush&scope=repository%3Aother%2Fc%3Apull',
    ])
  })
})

describe('has', () => {
  it.each([
    [200, { status: 200, body: BYTES }, true],
    [404, { status: 404 }, false],
    ['200 with another length', { status: 200, body: BYTES.subarray(1) }, false],
  ] satisfies [unknown, Reply, boolean][])('answers by one HEAD: %s', async (_, reply, expected) => {
    await using all = await fixture({ on: `HEAD /v2/a/b/blobs/${BLOB.digest}`, reply })

    expect(await all.repository.has(BLOB, { signal })).toBe(expected)
    expect(all.registry.requests).toHaveLength(2)
  })

  it('uses one token for looking up and for pushing', async () => {
    await using tokens = await scriptedRegistry([{ on: /%3Apull%2Cpush$/, reply: { body: '{"token":"t"}' } }])
    await using registry = await scriptedRegistry([
      { on: 'GET /v2/', reply: { status: 401, headers: { 'www-authenticate': `Bearer realm="${tokens.url}/token"` } } },
      { on: /^HEAD/, reply: { status: 404 } },
      { on: START, reply: accepted('/u/1') },
      { on: /^PUT/, reply: { status: 201 } },
    ])
    await using client = testClient({ side: 'target' })
    const repository = client.repository({ registry: registry.host, repository: 'a/b' })

    await repository.has(BLOB, { signal })
    await repository.put(BLOB, inPieces(BYTES), { signal })

    expect(tokens.requests).toHaveLength(1)
    expect(registry.requests).toHaveLength(4)
  })

  it('makes do with the right to pull where nobody may push', async () => {
    await using tokens = await scriptedRegistry([
      { on: /%3Apull%2Cpush$/, reply: { status: 403 } },
      { on: /%3Apull$/, reply: { body: '{"token":"t"}' } },
    ])
    await using registry = await scriptedRegistry([
      { on: 'GET /v2/', reply: { status: 401, headers: { 'www-authenticate': `Bearer realm="${tokens.url}/token"` } } },
      { on: /^HEAD/, headers: { authorization: 'Bearer t' }, reply: { status: 404 } },
    ])
    await using client = testClient({ side: 'target' })

    expect(await client.repository({ registry: registry.host, repository: 'a/b' }).has(BLOB, { signal })).toBe(false)
  })
})

describe('a blob carrier', () => {
  it('is given authorised orders, and what to do next', async () => {
    await using storage = await scriptedRegistry([])
    await using all = await fixture({ on: START, reply: accepted('/u/1?s=1', { 'oci-chunk-min-length': '20000000' }) })

    const get = await all.repository.blobGet(BLOB, { signal })
    const away = await all.repository.resolveRedirect(
      { ...get, headers: { ...get.headers, authorization: 'Bearer t' } },
      `${storage.url}/x`,
      { signal },
    )
    const ticket = await all.repository.beginUpload({ ...BLOB, size: 30_000_000 }, { signal })
    const next = all.repository.continueUpload(ticket, BLOB, '/u/2')

    expect(get.url).toBe(`${all.registry.url}/v2/a/b/blobs/${BLOB.digest}`)
    expect(away).toEqual({ url: `${storage.url}/x`, headers: get.headers })
    expect(ticket).toMatchObject({
      kind: 'upload',
      order: { url: `${all.registry.url}/u/1?s=1&${DIGEST_QUERY}` },
      location: `${all.registry.url}/u/1?s=1`,
      minChunk: 20_000_000,
    })
    expect(next).toMatchObject({ order: { url: `${all.registry.url}/u/2?${DIGEST_QUERY}` }, minChunk: 20_000_000 })
    expect(() => all.repository.continueUpload(ticket, BLOB, 'http://127.0.0.2/')).toThrow(
      expect.objectContaining({ code: 'REGISTRY_UNSUPPORTED' }),
    )
  })

  it('is given a fresh token after a 401, once there is one', async () => {
    await using tokens = await scriptedRegistry([
      { on: /^GET \/token/, times: 1, reply: { body: '{"token":"one"}' } },
      { on: /^GET \/token/, reply: { body: '{"token":"two"}' } },
    ])
    const challenge = `Bearer realm="${tokens.url}/token"`
    await using registry = await scriptedRegistry([
      { on: 'GET /v2/', reply: { status: 401, headers: { 'www-authenticate': challenge } } },
    ])
    await using client = testClient()
    const repository = client.repository({ registry: registry.host, repository: 'a/b' })
    const answer = { status: 401, headers: { 'www-authenticate': challenge }, body: '' }

    const order = await repository.blobGet(BLOB, { signal })
    const fresh = await repository.reauthorise(order, answer, { signal })
    const elsewhere = await repository.reauthorise({ url: 'https://cdn.example/x', headers: {} }, answer, { signal })

    expect(order.headers['authorization']).toBe('Bearer one')
    expect(fresh).toEqual({ ...order, headers: { ...order.headers, authorization: 'Bearer two' } })
    expect(elsewhere).toBeUndefined()
    expect(tokens.lines().every((line) => line.endsWith('scope=repository%3Aa%2Fb%3Apull'))).toBe(true)
  })
})
