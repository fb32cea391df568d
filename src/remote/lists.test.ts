import { describe, expect, it } from 'vitest'
import { attachReferrer, randomImage } from '../../test/support/random-image.ts'
import { OPEN, scriptedRegistry } from '../../test/support/scripted-registry.ts'
import type { Entry, Reply, ScriptedRegistry } from '../../test/support/scripted-registry.ts'
import { testClient } from '../../test/support/test-client.ts'
import { MEDIA_TYPE } from '../oci/media-type.ts'
import { parseNextLink } from './paging.ts'
import type { RemoteRepository } from './remote-repository.ts'

const { signal } = new AbortController()
const IMAGE = randomImage({ seed: 1 })
const { digest } = IMAGE.manifest.descriptor
const REFERRER = attachReferrer(IMAGE).manifest.descriptor
const FIRST = 'GET /v2/a/b/tags/list?n=1000'

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

async function collect(tags: AsyncIterable<string>): Promise<string[]> {
  const all: string[] = []
  for await (const tag of tags) all.push(tag)
  return all
}

const page = (tags: unknown, link?: string): Reply => ({
  headers: { 'content-type': 'application/json', ...(link !== undefined && { link }) },
  body: JSON.stringify({ name: 'a/b', tags }),
})

describe('tags', () => {
  it('come page by page, in the order of the registry', async () => {
    await using all = await fixture(
      { on: FIRST, reply: page(['b', 'a'], '</v2/a/b/tags/list?n=2&last=a>; rel="next"') },
      { on: 'GET /v2/a/b/tags/list?n=2&last=a', reply: page(['z'], '<?n=2&last=z>; rel=next') },
      { on: 'GET /v2/a/b/tags/list?n=2&last=z', reply: page([]) },
    )

    expect(await collect(all.repository.tags({ signal }))).toEqual(['b', 'a', 'z'])
    expect(all.registry.requests).toHaveLength(4)
  })

  it.each([
    ['no repository', { status: 404, body: '{"errors":[{"code":"NAME_UNKNOWN"}]}' }],
    ['no tags', page(null)],
  ] satisfies [string, Reply][])('are none where there are %s', async (_, reply) => {
    await using all = await fixture({ on: FIRST, reply })

    expect(await collect(all.repository.tags({ signal }))).toEqual([])
  })

  it.each([
    ['another host', '<http://127.0.0.2/v2/a/b/tags/list>; rel="next"'],
    ['another port', '<http://127.0.0.1:1/v2/a/b/tags/list>; rel="next"'],
    ['another list', '</v2/secret/tags/list>; rel="next"'],
    ['another scheme', '<file:///etc/passwd>; rel="next"'],
    ['the page itself', '<?n=1000>; rel="next"'],
  ])('end with an error where a page leads to %s', async (_, link) => {
    await using all = await fixture({ on: FIRST, reply: page(['a'], link) })

    await expect(collect(all.repository.tags({ signal }))).rejects.toMatchObject({ code: 'REGISTRY_UNSUPPORTED' })
    expect(all.registry.requests).toHaveLength(2)
  })

  it.each([
    ['no list', page('a')],
    ['no tag', page(['a', '../b'])],
    ['no JSON', { body: '<html>' }],
    ['an endless page', { body: ' '.repeat(65_536), endless: true }],
  ] satisfies [string, Reply][])('end with an error where the answer is %s', async (_, reply) => {
    await using all = await fixture({ on: FIRST, reply })

    await expect(collect(all.repository.tags({ signal }))).rejects.toMatchObject({ code: 'REGISTRY_UNSUPPORTED' })
  })
})

describe('parseNextLink', () => {
  it.each([
    ['</a>; rel="next"', '/a'],
    ['</a>;rel=next', '/a'],
    ['</a>; title="x"; rel=next, </b>; rel=last', '/a'],
    ['</a>; rel="prev", </b>; rel="next"', '/b'],
    ['</a>; rel="nextish"', undefined],
    ['</a>; rel=previous', undefined],
    ['</a>', undefined],
    [undefined, undefined],
  ])('reads %s', (link, target) => {
    expect(parseNextLink(link)).toBe(target)
  })
})

describe('referrers', () => {
  const API = `GET /v2/a/b/referrers/${digest}`
  const TAG = `GET /v2/a/b/manifests/${digest.replace(':', '-')}`
  const index = (manifests: readonly unknown[]): string =>
    JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPE.ociIndex, manifests })
  const list = (manifests: readonly unknown[], link?: string): Reply => ({
    headers: { 'content-type': MEDIA_TYPE.ociIndex, ...(link !== undefined && { link }) },
    body: index(manifests),
  })

  it('come from the API, page by page', async () => {
    await using all = await fixture(
      { on: API, reply: list([REFERRER], '<?page=2>; rel="next"') },
      { on: `${API}?page=2`, reply: list([IMAGE.manifest.descriptor]) },
    )

    expect(await all.repository.referrers(digest, { signal })).toEqual([REFERRER, IMAGE.manifest.descriptor])
  })

  it.each([
    ['answers 404', { status: 404, body: '404 page not found' }],
    ['shows a page for people', { headers: { 'content-type': 'text/html' }, body: '<html>' }],
  ] satisfies [string, Reply][])('come from the tag where a registry %s, which is asked once', async (_, reply) => {
    await using all = await fixture({ on: API, reply }, { on: TAG, reply: list([REFERRER]) })

    expect(await all.repository.referrers(digest, { signal })).toEqual([REFERRER])
    expect(await all.repository.referrers(digest, { signal })).toEqual([REFERRER])
    expect(all.registry.lines()).toEqual(['GET /v2/', API, TAG, TAG])
  })

  it('are none where neither has any', async () => {
    await using all = await fixture({ on: API, reply: { status: 404 } }, { on: TAG, reply: { status: 404 } })

    expect(await all.repository.referrers(digest, { signal })).toEqual([])
  })

  it('are none in an unknown repository, which says nothing about the API', async () => {
    await using all = await fixture(
      { on: API, times: 1, reply: { status: 404, body: '{"errors":[{"code":"NAME_UNKNOWN"}]}' } },
      { on: API, reply: list([REFERRER]) },
    )

    expect(await all.repository.referrers(digest, { signal })).toEqual([])
    expect(await all.repository.referrers(digest, { signal })).toEqual([REFERRER])
  })

  it('are not made up where the API refuses', async () => {
    await using all = await fixture({ on: API, reply: { status: 403 } })

    await expect(all.repository.referrers(digest, { signal })).rejects.toMatchObject({ code: 'REGISTRY_REFUSED' })
  })
})
