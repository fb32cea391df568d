import { describe, expect, it } from 'vitest'
import { randomImage } from '../../test/support/random-image.ts'
import { OPEN, scriptedRegistry } from '../../test/support/scripted-registry.ts'
import type { Entry, Reply, ScriptedRegistry } from '../../test/support/scripted-registry.ts'
import { testClient } from '../../test/support/test-client.ts'
import { digestOf } from '../oci/digest.ts'
import { parseManifest } from '../oci/manifest.ts'
import type { RemoteRepository } from './remote-repository.ts'

const { signal } = new AbortController()
const { manifest: IMAGE } = randomImage({ seed: 1 })
const OTHER = randomImage({ seed: 2 }).manifest
const { digest, mediaType } = IMAGE.descriptor
const MIB = 1024 * 1024

const image: Reply = {
  headers: { 'content-type': mediaType, 'docker-content-digest': digest },
  body: IMAGE.bytes,
}

interface Fixture extends AsyncDisposable {
  readonly registry: ScriptedRegistry
  readonly repository: RemoteRepository
}

async function fixture(...script: readonly Entry[]): Promise<Fixture> {
  const registry = await scriptedRegistry([OPEN, ...script])
  const client = testClient()
  return {
    registry,
    repository: client.repository({ registry: registry.host, repository: 'a/b' }),
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]()
      await registry[Symbol.asyncDispose]()
    },
  }
}

describe('manifest', () => {
  it.each(['v1', digest])('gives the bytes as they came for %s, naming every type', async (name) => {
    await using all = await fixture({ on: `GET /v2/a/b/manifests/${name}`, reply: image })

    const found = await all.repository.manifest(name, { signal })

    expect(found).toEqual(IMAGE)
    expect(all.registry.requests[1]?.headers['accept']).toBe(
      'application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json',
    )
    expect(all.registry.requests).toHaveLength(2)
  })

  it('is undefined where there is none', async () => {
    await using all = await fixture({
      on: /manifests/,
      reply: { status: 404, body: '{"errors":[{"code":"NAME_UNKNOWN"}]}' },
    })

    expect(await all.repository.manifest('v1', { signal })).toBeUndefined()
  })

  it.each([
    ['by digest, with other bytes', digest, { headers: { 'content-type': mediaType }, body: OTHER.bytes }],
    [
      'by tag, with another digest in the header',
      'v1',
      { headers: { ...image.headers, 'docker-content-digest': OTHER.descriptor.digest }, body: IMAGE.bytes },
    ],
  ])('is asked for once more and then refused %s', async (_, name, reply) => {
    await using all = await fixture({ on: /manifests/, reply })

    await expect(all.repository.manifest(name, { signal })).rejects.toMatchObject({
      code: 'DIGEST_MISMATCH',
      message: expect.stringContaining(`source: reading manifest ${name} in ${all.registry.host}/a/b`),
    })
    expect(all.registry.requests).toHaveLength(3)
  })

  it('is taken when the second answer has the right digest', async () => {
    await using all = await fixture(
      { on: /manifests/, times: 1, reply: { body: OTHER.bytes } },
      { on: /manifests/, reply: image },
    )

    expect(await all.repository.manifest(digest, { signal })).toEqual(IMAGE)
  })

  it.each([
    ['announced', { headers: { 'content-length': String(5 * MIB) }, body: 'x', stallAfter: 1 }],
    ['sent without saying so', { headers: { 'transfer-encoding': 'chunked' }, body: ' '.repeat(5 * MIB) }],
    ['endless', { body: ' '.repeat(65_536), endless: true }],
  ] satisfies [string, Reply][])('of 5 MiB is refused: %s', async (_, reply) => {
    await using all = await fixture({ on: /manifests/, reply })

    await expect(all.repository.manifest('v1', { signal })).rejects.toMatchObject({ code: 'MANIFEST_TOO_LARGE' })
    expect(all.registry.requests).toHaveLength(2)
  })

  it('of schema 1 is refused by name', async () => {
    const schema1 = { schemaVersion: 1, name: 'a/b', tag: 'v1', fsLayers: [] }
    await using all = await fixture({
      on: /manifests/,
      reply: {
        headers: { 'content-type': 'application/vnd.docker.distribution.manifest.v1+prettyjws' },
        body: JSON.stringify(schema1),
      },
    })

    await expect(all.repository.manifest('v1', { signal })).rejects.toMatchObject({
      code: 'MANIFEST_UNSUPPORTED',
      message: expect.stringContaining('schema 1'),
      hint: expect.any(String),
    })
  })

  it.each([
    ['HTML', '<html>it works</html>', 'MANIFEST_INVALID'],
    ['another kind of JSON', '{"hello":1}', 'MANIFEST_UNSUPPORTED'],
  ])('is refused when it is %s', async (_, body, code) => {
    await using all = await fixture({ on: /manifests/, reply: { body } })

    await expect(all.repository.manifest('v1', { signal })).rejects.toMatchObject({ code })
  })

  it('is asked for again after a cut, and after a short body', async () => {
    await using all = await fixture(
      { on: /manifests/, times: 1, reply: { ...image, cutAfter: 10 } },
      { on: /manifests/, times: 1, reply: { ...image, cutAfter: 0 } },
      { on: /manifests/, reply: image },
    )

    expect(await all.repository.manifest('v1', { signal })).toEqual(IMAGE)
    expect(all.registry.requests).toHaveLength(4)
  })

  it.each([
    ['that stops moving', { ...image, stallAfter: 10 }],
    ['that never begins', { ...image, stallAfter: 0 }],
  ])('is given up %s', async (_, reply) => {
    await using all = await fixture({ on: /manifests/, reply })

    await expect(all.repository.manifest('v1', { signal })).rejects.toMatchObject({ code: 'TIMEOUT' })
    expect(all.registry.requests).toHaveLength(4)
  })
})

describe('head', () => {
  it('asks for the headers only', async () => {
    await using all = await fixture({ on: 'HEAD /v2/a/b/manifests/v1', reply: image })

    expect(await all.repository.head('v1', { signal })).toEqual(IMAGE.descriptor)
    expect(all.registry.requests).toHaveLength(2)
  })

  it.each([
    ['no digest', { headers: { 'content-type': mediaType }, body: IMAGE.bytes }],
    ['no type', { headers: { 'docker-content-digest': digest }, body: IMAGE.bytes }],
    [
      'another digest',
      { headers: { ...image.headers, 'docker-content-digest': OTHER.descriptor.digest }, body: IMAGE.bytes },
    ],
    ['no such method', { status: 405 }],
  ] satisfies [string, Reply][])('reads the manifest where the headers have %s', async (_, reply) => {
    await using all = await fixture({ on: /^HEAD/, reply }, { on: /^GET .*manifests/, reply: image })

    expect(await all.repository.head(digest, { signal })).toEqual(IMAGE.descriptor)
  })

  it('is undefined where there is none', async () => {
    await using all = await fixture({ on: /^HEAD/, reply: { status: 404 } })

    expect(await all.repository.head('v1', { signal })).toBeUndefined()
  })

  it('keeps the connection', async () => {
    await using registry = await scriptedRegistry([OPEN, { on: /^HEAD/, reply: image }])
    await using client = testClient({ limits: { connectionsPerHost: 1, requestsPerHost: 8 } })
    const repository = client.repository({ registry: registry.host, repository: 'a/b' })

    for (const tag of ['a', 'b', 'c', 'd']) await repository.head(tag, { signal })

    expect(registry.requests).toHaveLength(5)
    expect(new Set(registry.requests.map(({ port }) => port)).size).toBe(1)
  })
})

describe('putManifest', () => {
  const created: Reply = { status: 201, headers: { 'docker-content-digest': digest } }

  it.each([
    ['tag', { tag: 'v1' }, 'v1'],
    ['digest', {}, digest],
  ])('stores the bytes by %s', async (_, options, name) => {
    await using all = await fixture({ on: `PUT /v2/a/b/manifests/${name}`, reply: created })

    await all.repository.putManifest(IMAGE, { signal, ...options })

    expect(all.registry.requests[1]).toMatchObject({
      body: Buffer.from(IMAGE.bytes),
      headers: { 'content-type': mediaType },
    })
  })

  it('tells a registry that stores something else', async () => {
    await using all = await fixture({
      on: /^PUT/,
      reply: { status: 201, headers: { 'docker-content-digest': OTHER.descriptor.digest } },
    })

    await expect(all.repository.putManifest(IMAGE, { signal })).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' })
  })

  it('gives the code of a refusal to the caller, and its words without control characters', async () => {
    const errors = [{ code: 'MANIFEST_BLOB_UNKNOWN', message: 'blob unknown\u001b[2J\r\n to registry' }]
    await using all = await fixture({ on: /^PUT/, reply: { status: 404, body: JSON.stringify({ errors }) } })

    await expect(all.repository.putManifest(IMAGE, { signal, tag: 'v1' })).rejects.toMatchObject({
      details: { serverCode: 'MANIFEST_BLOB_UNKNOWN', status: 404 },
      message: `source: writing manifest v1 to ${all.registry.host}/a/b: manifest blob unknown: blob unknown [2J to registry`,
    })
  })

  it('links a referrer by hand where the registry does not', async () => {
    const json = {
      ...(JSON.parse(Buffer.from(IMAGE.bytes).toString()) as object),
      artifactType: 'text/x',
      subject: OTHER.descriptor,
    }
    const referrer = parseManifest(Buffer.from(JSON.stringify(json)))
    const tag = OTHER.descriptor.digest.replace(':', '-')
    await using all = await fixture(
      { on: `PUT /v2/a/b/manifests/${referrer.descriptor.digest}`, reply: { status: 201 } },
      { on: `GET /v2/a/b/manifests/${tag}`, reply: { status: 404 } },
      { on: `PUT /v2/a/b/manifests/${tag}`, reply: { status: 201 } },
    )

    await all.repository.putManifest(referrer, { signal })

    expect(JSON.parse(all.registry.requests.at(-1)?.body.toString() ?? '')).toEqual({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.index.v1+json',
      manifests: [{ ...referrer.descriptor, artifactType: 'text/x' }],
    })
  })

  it('leaves the link to a registry that makes it', async () => {
    const json = { ...(JSON.parse(Buffer.from(IMAGE.bytes).toString()) as object), subject: OTHER.descriptor }
    const referrer = parseManifest(Buffer.from(JSON.stringify(json)))
    await using all = await fixture({
      on: /^PUT/,
      reply: { status: 201, headers: { 'oci-subject': OTHER.descriptor.digest } },
    })

    await all.repository.putManifest(referrer, { signal })

    expect(all.registry.requests).toHaveLength(2)
    expect(digestOf(all.registry.requests[1]?.body ?? Buffer.alloc(0))).toBe(referrer.descriptor.digest)
  })
})
