import { buffer } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { randomImage } from '../../test/support/random-image.ts'
import { OPEN, scriptedRegistry } from '../../test/support/scripted-registry.ts'
import type { Reply, ScriptedRegistry } from '../../test/support/scripted-registry.ts'
import { testClient } from '../../test/support/test-client.ts'
import { childrenOf } from '../oci/manifest.ts'
import type { PullSource } from './endpoint.ts'
import type { RegistryClient } from './registry-client.ts'

const { signal } = new AbortController()
const IMAGE = randomImage({ seed: 1, layers: 1 })
const { digest, mediaType } = IMAGE.manifest.descriptor
const [CONFIG] = childrenOf(IMAGE.manifest)
const NAME = { registry: 'quay.example', repository: 'team/app' }

const image: Reply = { headers: { 'content-type': mediaType }, body: IMAGE.manifest.bytes }
const place = ({ host }: Pick<ScriptedRegistry, 'host'>, more: Partial<PullSource> = {}): PullSource => ({
  name: { registry: host, repository: 'mirrored/app' },
  insecure: true,
  blocked: false,
  isMirror: true,
  ...more,
})
const reading = (...sources: PullSource[]): RegistryClient =>
  testClient({ pullSources: () => sources, retry: { times: 0, delayMs: 1 } })
/** A port where nobody listens. */
const DEAD = { host: '127.0.0.1:9' }

describe('a manifest with mirrors', () => {
  it('comes from the first that has it, and so do its blobs and its signatures', async () => {
    const config = IMAGE.blobs.get(CONFIG?.digest ?? digest) ?? Buffer.alloc(0)
    await using empty = await scriptedRegistry([OPEN, { on: /manifests/, reply: { status: 404 } }])
    await using mirror = await scriptedRegistry([
      OPEN,
      { on: `GET /v2/mirrored/app/manifests/${digest}`, reply: image },
      { on: `GET /v2/mirrored/app/blobs/${CONFIG?.digest}`, reply: { body: config } },
      { on: `GET /v2/mirrored/app/manifests/${digest.replace(':', '-')}.sig`, reply: { status: 404 } },
    ])
    await using primary = await scriptedRegistry([])
    await using client = reading(place(empty), place(mirror), place(primary, { isMirror: false }))
    const repository = client.repository(NAME)

    await repository.manifest(digest, { signal })
    const order = await repository.blobGet(CONFIG ?? IMAGE.manifest.descriptor, { signal })
    const bytes = await buffer(await repository.open(CONFIG ?? IMAGE.manifest.descriptor, { signal }))
    const signature = await repository.manifest(`${digest.replace(':', '-')}.sig`, { signal })

    expect(order.url).toBe(`${mirror.url}/v2/mirrored/app/blobs/${CONFIG?.digest}`)
    expect(bytes).toEqual(config)
    expect(signature).toBeUndefined()
    expect(primary.requests).toEqual([])
  })

  it('is absent where every place says so', async () => {
    await using one = await scriptedRegistry([OPEN, { on: /manifests/, reply: { status: 404 } }])
    await using two = await scriptedRegistry([OPEN, { on: /manifests/, reply: { status: 404 } }])
    await using client = reading(place(one), place(two, { isMirror: false }))

    expect(await client.repository(NAME).manifest(digest, { signal })).toBeUndefined()
  })

  it('fails with what every place said', async () => {
    await using mirror = await scriptedRegistry([OPEN, { on: /manifests/, reply: { status: 404 } }])
    await using primary = await scriptedRegistry([OPEN, { on: /manifests/, reply: { status: 403 } }])
    await using client = reading(place(DEAD), place(mirror), place(primary, { isMirror: false }))

    await expect(client.repository(NAME).manifest(digest, { signal })).rejects.toMatchObject({
      code: 'REGISTRY_REFUSED',
      message: expect.stringMatching(
        /^source: \(Mirrors also failed: \[127\.0\.0\.1:9\/mirrored\/app: .*connection refused\] \[.*: manifest unknown\]\): .*status 403$/,
      ),
    })
  })

  it('comes from a mirror where the registry itself is blocked', async () => {
    await using mirror = await scriptedRegistry([OPEN, { on: /manifests/, reply: image }])
    await using primary = await scriptedRegistry([])
    await using client = reading(place(mirror), place(primary, { isMirror: false, blocked: true }))

    expect(await client.repository(NAME).manifest('v1', { signal })).toEqual(IMAGE.manifest)
  })

  it('is refused unasked where the only place is blocked', async () => {
    await using primary = await scriptedRegistry([])
    await using client = reading(place(primary, { isMirror: false, blocked: true }))
    const repository = client.repository(NAME)

    await expect(repository.manifest('v1', { signal })).rejects.toMatchObject({ code: 'REGISTRY_BLOCKED' })
    await expect(repository.blobGet(IMAGE.manifest.descriptor, { signal })).rejects.toMatchObject({
      code: 'REGISTRY_BLOCKED',
    })
    expect(primary.requests).toEqual([])
  })

  it('asks for tags under the name itself', async () => {
    await using mirror = await scriptedRegistry([])
    await using primary = await scriptedRegistry([OPEN, { on: /tags/, reply: { body: '{"tags":["v1"]}' } }])
    await using client = reading(place(mirror))

    const tags: string[] = []
    for await (const tag of client.repository({ registry: primary.host, repository: 'a' }).tags({ signal }))
      tags.push(tag)

    expect(tags).toEqual(['v1'])
  })
})
