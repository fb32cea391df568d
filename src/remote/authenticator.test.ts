import { describe, expect, it } from 'vitest'
import { randomImage } from '../../test/support/random-image.ts'
import { OPEN, scriptedRegistry } from '../../test/support/scripted-registry.ts'
import type { Entry, Reply, ScriptedRegistry } from '../../test/support/scripted-registry.ts'
import { testClient } from '../../test/support/test-client.ts'
import type { Credential } from '../config/auth-file.ts'

const { signal } = new AbortController()
const { manifest: IMAGE } = randomImage({ seed: 1 })
const USER: Credential = { kind: 'basic', username: 'ann', password: 'p:w' }
const BASIC = `Basic ${Buffer.from('ann:p:w').toString('base64')}`
const NAME = 'team/app'

const image: Reply = { headers: { 'content-type': IMAGE.descriptor.mediaType }, body: IMAGE.bytes }
const challenge = (...values: string[]): Reply => ({ status: 401, headers: { 'www-authenticate': values } })
const token = (value: string, more: Record<string, unknown> = {}): Reply => ({
  body: JSON.stringify({ token: value, expires_in: 300, ...more }),
})

/** A registry that wants a bearer token of the token service, which is told apart from it. */
async function guarded(tokens: ScriptedRegistry, more: readonly Entry[] = []): Promise<ScriptedRegistry> {
  return scriptedRegistry([
    ...more,
    { on: 'GET /v2/', reply: challenge(`Bearer realm="${tokens.url}/token",service="reg"`) },
    { on: `GET /v2/${NAME}/manifests/v1`, headers: { authorization: 'Bearer good' }, reply: image },
    {
      on: /^GET \/v2\//,
      reply: challenge(`Bearer realm="${tokens.url}/token",service="reg",scope="repository:${NAME}:pull"`),
    },
  ])
}

const PULL = `scope=repository%3Ateam%2Fapp%3Apull`

describe('a registry that lets everybody in', () => {
  it('is sent no authorization, even where there are credentials', async () => {
    await using registry = await scriptedRegistry([OPEN, { on: `GET /v2/${NAME}/manifests/v1`, reply: image }])
    await using client = testClient({ credential: USER })

    await client.repository({ registry: registry.host, repository: NAME }).manifest('v1', { signal })

    expect(registry.requests.map(({ headers }) => headers.authorization)).toEqual([undefined, undefined])
  })
})

describe('Basic', () => {
  it('is sent at once, after one question to the registry', async () => {
    await using registry = await scriptedRegistry([
      { on: 'GET /v2/', reply: challenge('Basic realm="r"') },
      { on: /^GET \/v2\/team/, headers: { authorization: BASIC }, reply: image },
    ])
    await using client = testClient({ credential: USER })
    const repository = client.repository({ registry: registry.host, repository: NAME })

    await repository.manifest('v1', { signal })
    await repository.manifest('v2', { signal })

    expect(registry.lines()).toEqual(['GET /v2/', `GET /v2/${NAME}/manifests/v1`, `GET /v2/${NAME}/manifests/v2`])
  })

  it('is refused without credentials, naming where they were looked for, and asked only once', async () => {
    await using registry = await scriptedRegistry([{ on: /^GET /, reply: challenge('Basic realm="r"') }])
    await using client = testClient()

    const reading = client.repository({ registry: registry.host, repository: NAME }).manifest('v1', { signal })

    await expect(reading).rejects.toMatchObject({
      code: 'AUTH_REQUIRED',
      details: { side: 'source', registry: registry.host, status: 401 },
      hint: expect.stringContaining('/run/user/1000/containers/auth.json'),
    })
    expect(registry.lines()).toEqual(['GET /v2/', `GET /v2/${NAME}/manifests/v1`])
  })

  it('is chosen after schemes that nobody here speaks', async () => {
    await using registry = await scriptedRegistry([
      { on: 'GET /v2/', reply: challenge('Negotiate, NTLM abc==', 'Basic realm="r"') },
      { on: /^GET \/v2\/team/, headers: { authorization: BASIC }, reply: image },
    ])
    await using client = testClient({ credential: USER })

    const found = await client.repository({ registry: registry.host, repository: NAME }).manifest('v1', { signal })

    expect(found?.descriptor).toEqual(IMAGE.descriptor)
  })
})

describe('Bearer', () => {
  it('gets a token for several requests, anonymously', async () => {
    await using tokens = await scriptedRegistry([{ on: /^GET \/token/, reply: token('good') }])
    await using registry = await guarded(tokens)
    await using client = testClient()
    const repository = client.repository({ registry: registry.host, repository: NAME })

    await Promise.all([repository.manifest('v1', { signal }), repository.manifest('v1', { signal })])
    await repository.manifest('v1', { signal })

    expect(tokens.lines()).toEqual([`GET /token?service=reg&${PULL}`])
    expect(tokens.requests[0]?.headers.authorization).toBeUndefined()
    expect(registry.lines()).toEqual(['GET /v2/', ...Array.from({ length: 3 }, () => `GET /v2/${NAME}/manifests/v1`)])
  })

  it('sends user name and password to the realm, not to the registry', async () => {
    await using tokens = await scriptedRegistry([
      {
        on: `GET /token?account=ann&service=reg&${PULL}`,
        headers: { authorization: BASIC },
        reply: { body: '{"access_token":"good"}' },
      },
    ])
    await using registry = await guarded(tokens)
    await using client = testClient({ credential: USER })

    await client.repository({ registry: registry.host, repository: NAME }).manifest('v1', { signal })

    expect(registry.requests.map(({ headers }) => headers.authorization)).toEqual([undefined, 'Bearer good'])
  })

  it('gets another token when one is refused half-way, once', async () => {
    await using tokens = await scriptedRegistry([
      { on: /^GET \/token/, times: 1, reply: token('stale') },
      { on: /^GET \/token/, reply: token('good') },
    ])
    await using registry = await guarded(tokens)
    await using client = testClient()

    const found = await client.repository({ registry: registry.host, repository: NAME }).manifest('v1', { signal })

    expect(found?.descriptor.digest).toBe(IMAGE.descriptor.digest)
    expect(tokens.requests).toHaveLength(2)
    expect(registry.requests).toHaveLength(3)
  })

  it('gives up when the second token is refused too', async () => {
    await using tokens = await scriptedRegistry([{ on: /^GET \/token/, reply: () => token(`bad${Math.random()}`) }])
    await using registry = await guarded(tokens)
    await using client = testClient()

    const reading = client.repository({ registry: registry.host, repository: NAME }).manifest('v1', { signal })

    await expect(reading).rejects.toMatchObject({ code: 'AUTH_REQUIRED' })
    expect(tokens.requests).toHaveLength(2)
  })

  it('asks again for a token that has expired on the clock of the service', async () => {
    const old = token('good', { expires_in: 60, issued_at: '2020-01-01T00:00:00Z' })
    await using tokens = await scriptedRegistry([{ on: /^GET \/token/, reply: old }])
    await using registry = await guarded(tokens)
    await using client = testClient()
    const repository = client.repository({ registry: registry.host, repository: NAME })

    await repository.manifest('v1', { signal })
    await repository.manifest('v1', { signal })

    expect(tokens.requests).toHaveLength(2)
  })

  it('adds what the registry wants beyond our scope, and remembers it', async () => {
    await using tokens = await scriptedRegistry([
      { on: /scope=repository%3Abase%3Apull&scope=repository%3Ateam/, reply: token('good') },
      { on: /^GET \/token/, reply: token('narrow') },
    ])
    const wide = challenge(
      `Bearer realm="${tokens.url}/token",service="reg",scope="repository:base:pull repository:${NAME}:pull"`,
    )
    await using registry = await guarded(tokens, [
      { on: `GET /v2/${NAME}/manifests/v1`, headers: { authorization: 'Bearer narrow' }, reply: wide },
    ])
    await using client = testClient()
    const repository = client.repository({ registry: registry.host, repository: NAME })

    await repository.manifest('v1', { signal })
    await repository.manifest('v1', { signal })

    expect(registry.requests).toHaveLength(4)
    expect(tokens.requests).toHaveLength(2)
  })

  it('uses an identity token by POST', async () => {
    await using tokens = await scriptedRegistry([{ on: 'POST /token', reply: token('good') }])
    await using registry = await guarded(tokens)
    await using client = testClient({ credential: { kind: 'identity-token', token: 'id' } })

    await client.repository({ registry: registry.host, repository: NAME }).manifest('v1', { signal })

    expect(Object.fromEntries(new URLSearchParams(tokens.requests[0]?.body.toString()))).toEqual({
      grant_type: 'refresh_token',
      client_id: 'airlift',
      service: 'reg',
      scope: `repository:${NAME}:pull`,
      refresh_token: 'id',
    })
  })

  it('falls back to GET where a service takes no POST', async () => {
    await using tokens = await scriptedRegistry([
      { on: 'POST /token', reply: { status: 405 } },
      {
        on: /^GET \/token/,
        headers: { authorization: `Basic ${Buffer.from('<token>:id').toString('base64')}` },
        reply: token('good'),
      },
    ])
    await using registry = await guarded(tokens)
    await using client = testClient({ credential: { kind: 'identity-token', token: 'id' } })

    await client.repository({ registry: registry.host, repository: NAME }).manifest('v1', { signal })

    expect(tokens.requests).toHaveLength(2)
  })

  it('uses the refresh token that a service gave for the next token', async () => {
    await using tokens = await scriptedRegistry([
      { on: /^GET \/token/, reply: token('good', { refresh_token: 'again', expires_in: 0 }) },
      { on: 'POST /token', reply: token('good') },
    ])
    await using registry = await guarded(tokens)
    await using client = testClient({ credential: USER })
    const repository = client.repository({ registry: registry.host, repository: NAME })

    await repository.manifest('v1', { signal })
    await repository.manifest('v1', { signal })

    expect(tokens.requests.map(({ line }) => line.split(' ')[0])).toEqual(['GET', 'POST'])
    expect(new URLSearchParams(tokens.requests[1]?.body.toString()).get('refresh_token')).toBe('again')
  })

  it('forgets tokens and credentials when told that there are new ones', async () => {
    await using tokens = await scriptedRegistry([{ on: /^GET \/token/, reply: token('good') }])
    await using registry = await guarded(tokens)
    await using client = testClient()
    const repository = client.repository({ registry: registry.host, repository: NAME })

    await repository.manifest('v1', { signal })
    client.forget(registry.host)
    await repository.manifest('v1', { signal })

    expect(tokens.requests).toHaveLength(2)
  })

  it.each([
    [
      'a refusal',
      { status: 401, body: '{"details":"incorrect username or password"}' },
      'AUTH_REQUIRED',
      'incorrect username',
    ],
    ['no token', { body: '{}' }, 'REGISTRY_UNSUPPORTED', 'holds no token'],
    ['a token that cannot be a header', { body: '{"token":"a\\r\\nb"}' }, 'REGISTRY_UNSUPPORTED', 'holds no token'],
    ['no JSON', { body: '<html>' }, 'REGISTRY_UNSUPPORTED', 'holds no token'],
    ['an endless answer', { body: 'x'.repeat(65_536), endless: true }, 'REGISTRY_UNSUPPORTED', 'holds no token'],
  ])('tells of %s by the token service', async (_, reply, code, text) => {
    await using tokens = await scriptedRegistry([{ on: /^GET \/token/, reply }])
    await using registry = await guarded(tokens)
    await using client = testClient({ credential: USER })

    const reading = client.repository({ registry: registry.host, repository: NAME }).manifest('v1', { signal })

    await expect(reading).rejects.toMatchObject({ code, message: expect.stringContaining(text) })
  })
})

describe('checkAccess', () => {
  it('costs one request where nobody is asked for anything', async () => {
    await using registry = await scriptedRegistry([OPEN])
    await using client = testClient()

    await client.checkAccess({ registry: registry.host }, { signal })

    expect(registry.requests).toHaveLength(1)
  })

  it.each([
    [401, 'AUTH_REQUIRED'],
    [403, 'REGISTRY_REFUSED'],
  ])('tells of status %i as %s', async (status, code) => {
    await using registry = await scriptedRegistry([
      { on: 'GET /v2/', headers: { authorization: BASIC }, reply: { ...challenge('Basic realm="r"'), status } },
      { on: 'GET /v2/', reply: challenge('Basic realm="r"') },
    ])
    await using client = testClient({ credential: USER, side: 'target' })

    const checking = client.checkAccess({ registry: registry.host, repository: NAME }, { signal, push: true })

    await expect(checking).rejects.toMatchObject({ code, details: { side: 'target', registry: registry.host } })
    expect(registry.requests).toHaveLength(2)
  })

  it('asks the token service for the right to push', async () => {
    await using tokens = await scriptedRegistry([
      { on: /scope=repository%3Ateam%2Fapp%3Apull%2Cpush$/, reply: token('good') },
    ])
    await using registry = await scriptedRegistry([
      { on: 'GET /v2/', headers: { authorization: 'Bearer good' }, reply: {} },
      { on: 'GET /v2/', reply: challenge(`Bearer realm="${tokens.url}/token"`) },
    ])
    await using client = testClient({ side: 'target' })

    await client.checkAccess({ registry: registry.host, repository: NAME }, { signal, push: true })

    expect(tokens.requests).toHaveLength(1)
  })

  it('does not ask a blocked registry', async () => {
    await using registry = await scriptedRegistry([])
    await using client = testClient({ endpointOf: () => ({ insecure: true, blocked: true }) })

    await expect(client.checkAccess({ registry: registry.host }, { signal })).rejects.toMatchObject({
      code: 'REGISTRY_BLOCKED',
    })
    expect(registry.requests).toEqual([])
  })
})
