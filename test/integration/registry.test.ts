/** The registry over real sockets, asked with plain requests. */
import { once } from 'node:events'
import { truncate } from 'node:fs/promises'
import { connect } from 'node:net'
import { Readable } from 'node:stream'
import { Agent, request } from 'undici'
import { describe, expect, it } from 'vitest'
import { digestHex, digestOf } from '../../src/oci/digest.ts'
import type { Digest } from '../../src/oci/digest.ts'
import { MEDIA_TYPE } from '../../src/oci/media-type.ts'
import type { ServedRequest } from '../../src/registry/registry-handler.ts'
import { startRegistryServer } from '../../src/server/registry-server.ts'
import type { RegistryServerOptions, RunningServer } from '../../src/server/registry-server.ts'
import { pushImage } from '../support/push-image.ts'
import { attachReferrer, randomBytes, randomImage, randomIndex } from '../support/random-image.ts'
import { tempDir } from '../support/temp-dir.ts'
import { issueCertificate, makeCa } from '../support/tls.ts'

const BYTES = randomBytes(700_000, 'registry')
const DIGEST = digestOf(BYTES)
const UNKNOWN = digestOf(Buffer.from('unknown'))
const IMAGE = randomImage({ seed: 1 })
const ROOT = IMAGE.manifest.descriptor

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Buffer
}

interface CallOptions {
  readonly headers?: Record<string, string>
  readonly body?: Buffer | Readable | string
}

interface Fixture extends AsyncDisposable {
  readonly server: RunningServer
  readonly storage: string
  readonly served: ServedRequest[]
  readonly call: (method: string, path: string, options?: CallOptions) => Promise<Answer>
}

async function started(options: Partial<RegistryServerOptions> = {}, ca?: string): Promise<Fixture> {
  const dir = await tempDir()
  const stop = new AbortController()
  const served: ServedRequest[] = []
  const server = await startRegistryServer({
    signal: stop.signal,
    storage: dir.path,
    host: '127.0.0.1',
    port: 0,
    onRequest: (each) => served.push(each),
    ...options,
  })
  const dispatcher = new Agent({ ...(ca !== undefined && { connect: { ca } }) })
  return {
    server,
    storage: dir.path,
    served,
    async call(method, path, { headers = {}, body } = {}) {
      const response = await request(new URL(path, server.url), {
        method: method as 'GET',
        headers,
        dispatcher,
        ...(body !== undefined && { body }),
      })
      const received = Buffer.from(await response.body.arrayBuffer())
      return { status: response.statusCode, headers: response.headers, body: received }
    },
    async [Symbol.asyncDispose]() {
      await dispatcher.close()
      await server[Symbol.asyncDispose]()
      await dir[Symbol.asyncDispose]()
    },
  }
}

async function pushBlob({ call }: Fixture, repository: string, bytes: Buffer = BYTES): Promise<Digest> {
  const digest = digestOf(bytes)
  const { status } = await call('POST', `/v2/${repository}/blobs/uploads/?digest=${digest}`, { body: bytes })
  expect(status).toBe(201)
  return digest
}

async function startUpload({ call }: Fixture, repository = 'app'): Promise<string> {
  const { status, headers } = await call('POST', `/v2/${repository}/blobs/uploads/`)
  expect(status).toBe(202)
  return String(headers['location'])
}

function errorCodes({ body }: Answer): string[] {
  const { errors } = JSON.parse(body.toString()) as { errors: { code: string; message: string }[] }
  return errors.map(({ code }) => code)
}

describe('the endpoint', () => {
  it('answers that it is a registry', async () => {
    await using registry = await started()

    const { status, headers } = await registry.call('GET', '/v2/')

    expect(status).toBe(200)
    expect(headers).toMatchObject({ 'docker-distribution-api-version': 'registry/2.0' })
  })

  it.each([
    ['GET', '/', 404, 'UNSUPPORTED'],
    ['GET', '/v2/a', 404, 'UNSUPPORTED'],
    ['POST', '/v2/', 405, 'UNSUPPORTED'],
    ['POST', '/v2/app/tags/list', 405, 'UNSUPPORTED'],
    ['GET', `/v2/app/blobs/${UNKNOWN}`, 404, 'BLOB_UNKNOWN'],
    ['GET', '/v2/app/blobs/sha256:abc', 400, 'DIGEST_INVALID'],
    ['GET', '/v2/app/manifests/v1', 404, 'MANIFEST_UNKNOWN'],
    ['GET', '/v2/app/tags/list', 404, 'NAME_UNKNOWN'],
    ['GET', '/v2/APP/tags/list', 400, 'NAME_INVALID'],
    ['GET', '/v2/..%2f..%2fetc/manifests/passwd', 400, 'NAME_INVALID'],
    ['GET', '/v2/%ff/manifests/v1', 400, 'NAME_INVALID'],
    ['GET', '/v2/app/blobs/uploads/..%2f..%2fx', 404, 'UNSUPPORTED'],
    ['GET', '/v2/app/blobs/uploads/1', 404, 'BLOB_UPLOAD_UNKNOWN'],
    ['PUT', '/v2/app/blobs/uploads/1?digest=x', 404, 'BLOB_UPLOAD_UNKNOWN'],
    ['DELETE', `/v2/app/blobs/${UNKNOWN}`, 404, 'BLOB_UNKNOWN'],
    ['DELETE', '/v2/app/manifests/v1', 404, 'MANIFEST_UNKNOWN'],
    ['DELETE', `/v2/app/manifests/${UNKNOWN}`, 404, 'MANIFEST_UNKNOWN'],
  ])('refuses %s %s', async (method, path, status, code) => {
    await using registry = await started()

    const answer = await registry.call(method, path)

    expect([answer.status, errorCodes(answer)]).toEqual([status, [code]])
  })

  it('reports each request once it has been answered', async () => {
    await using registry = await started()

    await registry.call('GET', '/v2/?x=1')
    await registry.call('HEAD', '/v2/app/manifests/v1')

    expect(registry.served).toEqual([
      { method: 'GET', path: '/v2/?x=1', status: 200 },
      { method: 'HEAD', path: '/v2/app/manifests/v1', status: 404 },
    ])
  })

  it('tells nothing of its own failures', async () => {
    await using registry = await started()
    await pushImage(registry.server.url, 'app', { image: IMAGE, tag: 'v1' })
    await truncate(blobPath(registry, ROOT.digest), 3)

    const answer = await registry.call('GET', '/v2/app/manifests/v1')

    expect(answer.status).toBe(500)
    expect(JSON.parse(answer.body.toString())).toEqual({ errors: [{ code: 'UNKNOWN', message: 'internal error' }] })
  })
})

describe('blobs', () => {
  it('come back as they were pushed, in one request', async () => {
    await using registry = await started()

    await pushBlob(registry, 'team/app')

    const { status, headers, body } = await registry.call('GET', `/v2/team/app/blobs/${DIGEST}`)
    expect(status).toBe(200)
    expect(headers).toMatchObject({
      'content-length': String(BYTES.length),
      'docker-content-digest': DIGEST,
      'accept-ranges': 'bytes',
    })
    expect(BYTES.equals(body)).toBe(true)
  })

  it('have headers without a body', async () => {
    await using registry = await started()
    await pushBlob(registry, 'app')

    const { status, headers, body } = await registry.call('HEAD', `/v2/app/blobs/${DIGEST}`)

    expect([status, headers['content-length'], body.length]).toEqual([200, String(BYTES.length), 0])
  })

  it.each([
    ['bytes=0-0', 0, 1],
    ['bytes=300000-', 300_000, 700_000],
    ['bytes=-10', 699_990, 700_000],
    ['bytes=262143-524289', 262_143, 524_290],
  ])('are given in part for %s', async (range, start, end) => {
    await using registry = await started()
    await pushBlob(registry, 'app')

    const { status, headers, body } = await registry.call('GET', `/v2/app/blobs/${DIGEST}`, { headers: { range } })

    expect([status, headers['content-range']]).toEqual([206, `bytes ${start}-${end - 1}/700000`])
    expect(BYTES.subarray(start, end).equals(body)).toBe(true)
  })

  it('have nothing beyond their end', async () => {
    await using registry = await started()
    await pushBlob(registry, 'app')

    const answer = await registry.call('GET', `/v2/app/blobs/${DIGEST}`, { headers: { range: 'bytes=700000-' } })

    expect([answer.status, answer.headers['content-range']]).toEqual([416, 'bytes */700000'])
  })

  it('belong to the repositories that they were pushed to', async () => {
    await using registry = await started()
    await pushBlob(registry, 'a')

    expect((await registry.call('HEAD', `/v2/b/blobs/${DIGEST}`)).status).toBe(404)
  })

  it('can be empty', async () => {
    await using registry = await started()
    const digest = await pushBlob(registry, 'app', Buffer.alloc(0))

    const { status, body } = await registry.call('GET', `/v2/app/blobs/${digest}`)

    expect([status, body.length]).toEqual([200, 0])
  })

  it('are cut, not ended, where the disk has less than it should', async () => {
    await using registry = await started()
    await pushBlob(registry, 'app', randomBytes(5_000_000, 'large'))
    const digest = digestOf(randomBytes(5_000_000, 'large'))
    const { body } = await request(`${registry.server.url}/v2/app/blobs/${digest}`)

    await truncate(blobPath(registry, digest), 1000)

    await expect(body.arrayBuffer()).rejects.toThrow()
  })

  it('are gone from a repository once deleted, and stay in others', async () => {
    await using registry = await started()
    await pushBlob(registry, 'a')
    await pushBlob(registry, 'b')

    expect((await registry.call('DELETE', `/v2/a/blobs/${DIGEST}`)).status).toBe(202)

    expect((await registry.call('HEAD', `/v2/a/blobs/${DIGEST}`)).status).toBe(404)
    expect((await registry.call('HEAD', `/v2/b/blobs/${DIGEST}`)).status).toBe(200)
  })
})

describe('an upload', () => {
  it('is finished by PUT with the bytes', async () => {
    await using registry = await started()
    const location = await startUpload(registry)

    const { status, headers } = await registry.call('PUT', `${location}?digest=${DIGEST}`, { body: BYTES })

    expect(status).toBe(201)
    expect(headers).toMatchObject({ location: `/v2/app/blobs/${DIGEST}`, 'docker-content-digest': DIGEST })
    expect((await registry.call('HEAD', `/v2/app/blobs/${DIGEST}`)).status).toBe(200)
  })

  it('takes chunks in order, and says how far it is', async () => {
    await using registry = await started()
    const location = await startUpload(registry)

    const first = await registry.call('PATCH', location, {
      headers: { 'content-range': '0-299999' },
      body: BYTES.subarray(0, 300_000),
    })
    const progress = await registry.call('GET', location)
    const last = await registry.call('PUT', `${location}?digest=${encodeURIComponent(DIGEST)}`, {
      headers: { 'content-range': '300000-699999' },
      body: BYTES.subarray(300_000),
    })

    expect([first.status, first.headers['range']]).toEqual([202, '0-299999'])
    expect([progress.status, progress.headers['range'], progress.headers['location']]).toEqual([
      204,
      '0-299999',
      location,
    ])
    expect(last.status).toBe(201)
  })

  it('refuses a chunk out of order, and goes on with the right one', async () => {
    await using registry = await started()
    const location = await startUpload(registry)
    await registry.call('PATCH', location, { headers: { 'content-range': '0-9' }, body: BYTES.subarray(0, 10) })

    for (const range of ['0-9', '11-20']) {
      const refused = await registry.call('PATCH', location, {
        headers: { 'content-range': range },
        body: Buffer.alloc(10),
      })
      expect([refused.status, refused.headers['range']]).toEqual([416, '0-9'])
    }

    const body = BYTES.subarray(10)
    expect((await registry.call('PUT', `${location}?digest=${DIGEST}`, { body })).status).toBe(201)
  })

  it('refuses a range that does not fit the body', async () => {
    await using registry = await started()
    const location = await startUpload(registry)

    const answer = await registry.call('PATCH', location, {
      headers: { 'content-range': '0-98' },
      body: Buffer.alloc(10),
    })

    expect([answer.status, errorCodes(answer)]).toEqual([400, ['SIZE_INVALID']])
  })

  it('takes a stream of unknown length', async () => {
    await using registry = await started()
    const location = await startUpload(registry)

    const body = Readable.from([BYTES.subarray(0, 1), BYTES.subarray(1, 400_000), BYTES.subarray(400_000)])
    const patched = await registry.call('PATCH', location, { body })

    expect([patched.status, patched.headers['range']]).toEqual([202, '0-699999'])
    expect((await registry.call('PUT', `${location}?digest=${DIGEST}`)).status).toBe(201)
  })

  it.each(['POST', 'PUT'])('refuses other bytes than the digest says, by %s', async (method) => {
    await using registry = await started()
    const path = method === 'POST' ? '/v2/app/blobs/uploads/' : await startUpload(registry)

    const answer = await registry.call(method, `${path}?digest=${DIGEST}`, { body: BYTES.subarray(1) })

    expect([answer.status, errorCodes(answer)]).toEqual([400, ['DIGEST_INVALID']])
    expect((await registry.call('HEAD', `/v2/app/blobs/${DIGEST}`)).status).toBe(404)
    if (method === 'PUT') expect((await registry.call('GET', path)).status).toBe(404)
  })

  it('keeps sha512 blobs', async () => {
    await using registry = await started()
    const digest = digestOf(BYTES, 'sha512')

    const { status } = await registry.call('POST', `/v2/app/blobs/uploads/?digest=${digest}`, { body: BYTES })

    expect(status).toBe(201)
    expect(BYTES.equals((await registry.call('GET', `/v2/app/blobs/${digest}`)).body)).toBe(true)
  })

  it('can be cancelled', async () => {
    await using registry = await started()
    const location = await startUpload(registry)

    expect((await registry.call('DELETE', location)).status).toBe(204)

    expect((await registry.call('GET', location)).status).toBe(404)
  })

  it('belongs to its repository', async () => {
    await using registry = await started()
    const location = await startUpload(registry, 'a')

    expect((await registry.call('GET', location.replace('/v2/a/', '/v2/b/'))).status).toBe(404)
  })

  it('takes no more than the registry allows', async () => {
    await using registry = await started({ limits: { maxBlobBytes: 1000 } })

    const answer = await registry.call('POST', `/v2/app/blobs/uploads/?digest=${DIGEST}`, { body: BYTES })

    expect([answer.status, errorCodes(answer)]).toEqual([400, ['SIZE_INVALID']])
  })

  it('that is cut leaves no blob, and goes on from what had arrived', async () => {
    await using registry = await started()
    const location = await startUpload(registry)
    const socket = connect(registry.server.port, '127.0.0.1')
    const head = `PUT ${location}?digest=${DIGEST} HTTP/1.1\r\nhost: x\r\ncontent-length: ${BYTES.length}\r\n\r\n`
    socket.write(head)
    socket.write(BYTES.subarray(0, 200_000))
    await expect.poll(async () => (await registry.call('GET', location)).headers['range']).toBe('0-199999')

    socket.destroy()
    await expect.poll(() => registry.served.some(({ status }) => status === 499)).toBe(true)

    expect((await registry.call('HEAD', `/v2/app/blobs/${DIGEST}`)).status).toBe(404)
    expect(await registry.server.store.size(DIGEST, { signal: AbortSignal.timeout(5000) })).toBeUndefined()
    const body = BYTES.subarray(200_000)
    expect((await registry.call('PUT', `${location}?digest=${DIGEST}`, { body })).status).toBe(201)
  })
})

describe('a mount', () => {
  it.each(['&from=a', ''])('makes a blob appear without its bytes (%s)', async (from) => {
    await using registry = await started()
    await pushBlob(registry, 'a')

    const { status, headers } = await registry.call('POST', `/v2/b/blobs/uploads/?mount=${DIGEST}${from}`)

    expect([status, headers['location']]).toEqual([201, `/v2/b/blobs/${DIGEST}`])
    expect((await registry.call('HEAD', `/v2/b/blobs/${DIGEST}`)).status).toBe(200)
  })

  it.each(['&from=a', ''])('of what is not there starts an upload (%s)', async (from) => {
    await using registry = await started()

    const { status, headers } = await registry.call('POST', `/v2/b/blobs/uploads/?mount=${DIGEST}${from}`)

    expect(status).toBe(202)
    expect(
      (await registry.call('PUT', `${String(headers['location'])}?digest=${DIGEST}`, { body: BYTES })).status,
    ).toBe(201)
  })
})

describe('manifests', () => {
  it('come back as they were pushed, by tag and by digest', async () => {
    await using registry = await started()
    await pushImage(registry.server.url, 'app', { image: IMAGE, tag: 'v1' })

    for (const name of ['v1', ROOT.digest]) {
      const { status, headers, body } = await registry.call('GET', `/v2/app/manifests/${name}`)
      expect(status).toBe(200)
      expect(headers).toMatchObject({ 'content-type': ROOT.mediaType, 'docker-content-digest': ROOT.digest })
      expect(body.equals(IMAGE.manifest.bytes)).toBe(true)
      const head = await registry.call('HEAD', `/v2/app/manifests/${name}`)
      expect([head.status, head.headers['content-length'], head.body.length]).toEqual([200, String(ROOT.size), 0])
    }
  })

  it.each(['oci', 'docker'] as const)('of %s types come with their instances', async (mediaTypes) => {
    await using registry = await started()
    const platforms = ['amd64', 'arm64'].map((architecture) => ({ os: 'linux', architecture }))
    const image = randomIndex({ seed: 1, platforms, mediaTypes })

    await pushImage(registry.server.url, 'app', { image, tag: 'v1' })

    for (const { descriptor } of image.manifests) {
      const { headers } = await registry.call('HEAD', `/v2/app/manifests/${descriptor.digest}`)
      expect(headers['content-type']).toBe(descriptor.mediaType)
    }
  })

  it.each([
    ['another digest than its name', ROOT.mediaType, UNKNOWN, 400, 'DIGEST_INVALID'],
    ['another type than its header', MEDIA_TYPE.ociIndex, 'v1', 400, 'MANIFEST_INVALID'],
  ])('with %s are refused', async (_, type, name, status, code) => {
    await using registry = await started()
    const headers = { 'content-type': type }

    const answer = await registry.call('PUT', `/v2/app/manifests/${name}`, {
      headers,
      body: Buffer.from(IMAGE.manifest.bytes),
    })

    expect([answer.status, errorCodes(answer)]).toEqual([status, [code]])
  })

  it('that are no manifests are refused', async () => {
    await using registry = await started()

    const answer = await registry.call('PUT', '/v2/app/manifests/v1', { body: '{"schemaVersion":2' })

    expect([answer.status, errorCodes(answer)]).toEqual([400, ['MANIFEST_INVALID']])
  })

  it('of 5 MiB are refused, with an answer', async () => {
    await using registry = await started()

    const answer = await registry.call('PUT', '/v2/app/manifests/v1', { body: Buffer.alloc(5 * 1024 * 1024, ' ') })

    expect([answer.status, errorCodes(answer)]).toEqual([413, ['MANIFEST_INVALID']])
  })

  it('without their blobs are refused, each of which is named', async () => {
    await using registry = await started()
    const headers = { 'content-type': ROOT.mediaType }

    const answer = await registry.call('PUT', '/v2/app/manifests/v1', {
      headers,
      body: Buffer.from(IMAGE.manifest.bytes),
    })

    const { errors } = JSON.parse(answer.body.toString()) as { errors: { detail: { digest: string } }[] }
    expect([answer.status, new Set(errorCodes(answer))]).toEqual([400, new Set(['MANIFEST_BLOB_UNKNOWN'])])
    expect(errors.map(({ detail }) => detail.digest).toSorted()).toEqual([...IMAGE.blobs.keys()].toSorted())
    expect((await registry.call('HEAD', '/v2/app/manifests/v1')).status).toBe(404)
  })

  it.each([
    [true, 201],
    [false, 400],
  ])('that lack instances are taken where that is allowed (%s)', async (allowSparseIndexes, status) => {
    await using registry = await started({ allowSparseIndexes })
    const platforms = ['amd64', 'arm64'].map((architecture) => ({ os: 'linux', architecture }))
    const { manifest } = randomIndex({ seed: 1, platforms })
    const headers = { 'content-type': manifest.descriptor.mediaType }

    const answer = await registry.call('PUT', '/v2/app/manifests/v1', { headers, body: Buffer.from(manifest.bytes) })

    expect(answer.status).toBe(status)
  })

  it('are gone once deleted, with their tags', async () => {
    await using registry = await started()
    await pushImage(registry.server.url, 'app', { image: IMAGE, tag: 'a' })
    await pushImage(registry.server.url, 'app', { image: IMAGE, tag: 'b' })

    expect((await registry.call('DELETE', '/v2/app/manifests/a')).status).toBe(202)
    expect((await registry.call('HEAD', '/v2/app/manifests/a')).status).toBe(404)
    expect((await registry.call('HEAD', `/v2/app/manifests/${ROOT.digest}`)).status).toBe(200)

    expect((await registry.call('DELETE', `/v2/app/manifests/${ROOT.digest}`)).status).toBe(202)
    expect((await registry.call('HEAD', '/v2/app/manifests/b')).status).toBe(404)
    expect((await registry.call('HEAD', `/v2/app/manifests/${ROOT.digest}`)).status).toBe(404)
  })
})

describe('tags', () => {
  it('are listed in pages that link to the next', async () => {
    await using registry = await started()
    for (const tag of ['c', 'a', 'b']) await pushImage(registry.server.url, 'app', { image: IMAGE, tag })

    const first = await registry.call('GET', '/v2/app/tags/list?n=2')
    const next = /^<(?<path>[^>]+)>; rel="next"$/.exec(String(first.headers['link']))?.groups?.['path'] ?? ''
    const second = await registry.call('GET', next)

    expect(JSON.parse(first.body.toString())).toEqual({ name: 'app', tags: ['a', 'b'] })
    expect(JSON.parse(second.body.toString())).toEqual({ name: 'app', tags: ['c'] })
    expect(second.headers['link']).toBeUndefined()
  })

  it.each([
    ['', ['a', 'b'], undefined],
    ['?n=2', ['a', 'b'], undefined],
    ['?n=0', [], undefined],
    ['?last=a', ['b'], undefined],
    ['?last=b', [], undefined],
    ['?n=99999999&last=0', ['a', 'b'], undefined],
  ])('are listed for "%s"', async (query, tags, link) => {
    await using registry = await started()
    for (const tag of ['a', 'b']) await pushImage(registry.server.url, 'app', { image: IMAGE, tag })

    const { body, headers } = await registry.call('GET', `/v2/app/tags/list${query}`)

    expect(JSON.parse(body.toString())).toEqual({ name: 'app', tags })
    expect(headers['link']).toBe(link)
  })

  it.each(['-1', 'x', '1e9', ''])('are not counted by n=%s', async (n) => {
    await using registry = await started()
    await pushImage(registry.server.url, 'app', { image: IMAGE, tag: 'a' })

    expect((await registry.call('GET', `/v2/app/tags/list?n=${n}`)).status).toBe(400)
  })
})

describe('referrers', () => {
  const SBOM = attachReferrer(IMAGE, { artifactType: 'application/spdx+json', seed: 2 })
  const SIGNATURE = attachReferrer(IMAGE, { artifactType: 'application/vnd.example.signature', seed: 3 })

  async function list(registry: Fixture, path: string): Promise<{ answer: Answer; digests: string[] }> {
    const answer = await registry.call('GET', path)
    const { manifests } = JSON.parse(answer.body.toString()) as { manifests: { digest: string }[] }
    return { answer, digests: manifests.map(({ digest }) => digest) }
  }

  it('are announced when pushed, and listed', async () => {
    await using registry = await started()
    await pushImage(registry.server.url, 'app', { image: IMAGE, tag: 'v1' })
    for (const image of [SBOM, SIGNATURE]) await pushImage(registry.server.url, 'app', { image })
    const { descriptor, bytes } = SBOM.manifest
    const headers = { 'content-type': descriptor.mediaType }
    const again = await registry.call('PUT', `/v2/app/manifests/${descriptor.digest}`, {
      headers,
      body: Buffer.from(bytes),
    })

    const { answer, digests } = await list(registry, `/v2/app/referrers/${ROOT.digest}`)

    expect(again.headers['oci-subject']).toBe(ROOT.digest)
    expect(answer.headers['content-type']).toBe(MEDIA_TYPE.ociIndex)
    expect(digests).toEqual([SBOM, SIGNATURE].map(({ manifest }) => manifest.descriptor.digest).toSorted())
  })

  it('are filtered by artifact type', async () => {
    await using registry = await started()
    for (const image of [SBOM, SIGNATURE]) await pushImage(registry.server.url, 'app', { image })

    const type = encodeURIComponent('application/spdx+json')
    const { answer, digests } = await list(registry, `/v2/app/referrers/${ROOT.digest}?artifactType=${type}`)

    expect(answer.headers['oci-filters-applied']).toBe('artifactType')
    expect(digests).toEqual([SBOM.manifest.descriptor.digest])
  })

  it('come in pages', async () => {
    await using registry = await started({ limits: { maxPage: 1 } })
    for (const image of [SBOM, SIGNATURE]) await pushImage(registry.server.url, 'app', { image })

    const first = await list(registry, `/v2/app/referrers/${ROOT.digest}`)
    const next = /^<(?<path>[^>]+)>; rel="next"$/.exec(String(first.answer.headers['link']))?.groups?.['path'] ?? ''
    const second = await list(registry, next)

    expect([...first.digests, ...second.digests]).toEqual(
      [SBOM, SIGNATURE].map(({ manifest }) => manifest.descriptor.digest).toSorted(),
    )
    expect(second.answer.headers['link']).toBeUndefined()
  })

  it('are none for what nobody knows', async () => {
    await using registry = await started()

    const { answer, digests } = await list(registry, `/v2/app/referrers/${UNKNOWN}`)

    expect([answer.status, digests]).toEqual([200, []])
  })
})

describe('the server', () => {
  it('that is read-only serves and takes nothing', async () => {
    await using writable = await started()
    await pushImage(writable.server.url, 'app', { image: IMAGE, tag: 'v1' })
    await using registry = await started({ readOnly: true, storage: writable.storage })

    expect((await registry.call('GET', '/v2/app/manifests/v1')).status).toBe(200)
    for (const [method, path] of [
      ['POST', '/v2/app/blobs/uploads/'],
      ['DELETE', '/v2/app/manifests/v1'],
    ] as const) {
      const answer = await registry.call(method, path)
      expect([answer.status, errorCodes(answer)]).toEqual([405, ['UNSUPPORTED']])
    }
  })

  it('asks for a password where it has one', async () => {
    await using registry = await started({ basicAuth: { username: 'admin', password: 'secret' } })
    const authorization = (text: string): Record<string, string> => ({
      authorization: `Basic ${Buffer.from(text).toString('base64')}`,
    })

    const without = await registry.call('GET', '/v2/')
    const wrong = await registry.call('GET', '/v2/', { headers: authorization('admin:guess') })
    const right = await registry.call('GET', '/v2/', { headers: authorization('admin:secret') })

    expect([without.status, wrong.status, right.status]).toEqual([401, 401, 200])
    expect(without.headers['www-authenticate']).toMatch(/^Basic realm=/)
    expect(errorCodes(without)).toEqual(['UNAUTHORIZED'])
  })

  it('speaks TLS', async () => {
    const ca = await makeCa()
    await using registry = await started({ tls: await issueCertificate(ca) }, ca.cert)

    await pushBlob(registry, 'app')

    expect(registry.server.url).toMatch(/^https:/)
    expect(BYTES.equals((await registry.call('GET', `/v2/app/blobs/${DIGEST}`)).body)).toBe(true)
  })

  it('finishes what runs before it stops, and takes nothing new', async () => {
    await using registry = await started()
    const bytes = randomBytes(20_000_000, 'large')
    await pushBlob(registry, 'app', bytes)
    const { body } = await request(`${registry.server.url}/v2/app/blobs/${digestOf(bytes)}`)

    const stopped = registry.server[Symbol.asyncDispose]()

    await expect(request(`${registry.server.url}/v2/`, { dispatcher: new Agent() })).rejects.toThrow('ECONNREFUSED')
    expect(bytes.equals(Buffer.from(await body.arrayBuffer()))).toBe(true)
    await stopped
  })

  it('cuts what still runs when its time is over', async () => {
    await using registry = await started({ stopTimeoutMs: 50 })
    const location = await startUpload(registry)
    const socket = connect(registry.server.port, '127.0.0.1')
    socket.write(`PATCH ${location} HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nx`)
    await expect.poll(async () => (await registry.call('GET', location)).headers['docker-upload-uuid']).toBeDefined()

    const closed = once(socket, 'close')
    await registry.server[Symbol.asyncDispose]()

    await closed
  })

  it('says which address it cannot have', async () => {
    await using registry = await started()

    await expect(started({ port: registry.server.port })).rejects.toMatchObject({
      code: 'REGISTRY_UNREACHABLE',
      message: expect.stringContaining(`127.0.0.1:${registry.server.port}`),
    })
  })
})

function blobPath({ storage }: Fixture, digest: Digest): string {
  const hex = digestHex(digest)
  return `${storage}/docker/registry/v2/blobs/sha256/${hex.slice(0, 2)}/${hex}/data`
}
