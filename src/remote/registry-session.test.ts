import { rootCertificates } from 'node:tls'
import { describe, expect, it } from 'vitest'
import { randomImage } from '../../test/support/random-image.ts'
import { OPEN, scriptedRegistry } from '../../test/support/scripted-registry.ts'
import type { Reply } from '../../test/support/scripted-registry.ts'
import { testClient } from '../../test/support/test-client.ts'
import type { TestClientOptions } from '../../test/support/test-client.ts'
import { issueCertificate, makeCa } from '../../test/support/tls.ts'
import { messageOf } from '../base/errors.ts'
import type { RequestRetry } from './endpoint.ts'
import type { RegistryClient } from './registry-client.ts'

const { signal } = new AbortController()
const { manifest: IMAGE } = randomImage({ seed: 1 })
const GET = 'GET /v2/a/manifests/v1'
const image: Reply = { headers: { 'content-type': IMAGE.descriptor.mediaType }, body: IMAGE.bytes }

const manifestOf = (
  client: RegistryClient,
  registry: string,
): ReturnType<ReturnType<RegistryClient['repository']>['manifest']> =>
  client.repository({ registry, repository: 'a' }).manifest('v1', { signal })

/** As a registry that registries.conf does not call insecure. */
const strict: TestClientOptions = {
  pullSources: (name) => [{ name, insecure: false, blocked: false, isMirror: false }],
  endpointOf: () => ({ insecure: false, blocked: false }),
}

describe('retries', () => {
  it.each([
    [408, 3],
    [429, 3],
    [500, 3],
    [502, 3],
    [503, 3],
    [504, 3],
    [501, 1],
    [400, 1],
    [403, 1],
  ])('after status %i ask %i times', async (status, times) => {
    await using registry = await scriptedRegistry([OPEN, { on: GET, reply: { status } }])
    await using client = testClient()

    await expect(manifestOf(client, registry.host)).rejects.toMatchObject({ details: { status } })
    expect(registry.requests).toHaveLength(1 + times)
  })

  it('wait as long as the registry asks, and say so', async () => {
    const retries: RequestRetry[] = []
    const busy: Reply = {
      status: 429,
      headers: { 'retry-after': '1' },
      body: '{"errors":[{"code":"TOOMANYREQUESTS"}]}',
    }
    await using registry = await scriptedRegistry([OPEN, { on: GET, times: 1, reply: busy }, { on: GET, reply: image }])
    await using client = testClient({ onRetry: (event) => retries.push(event) })

    expect(await manifestOf(client, registry.host)).toEqual(IMAGE)
    expect(retries).toEqual([
      { registry: registry.host, attempt: 1, waitMs: 1000, message: expect.stringContaining('toomanyrequests') },
    ])
  })

  it('cover the first question too', async () => {
    await using registry = await scriptedRegistry([
      { on: 'GET /v2/', times: 1, reply: { status: 503 } },
      { on: 'GET /v2/', times: 1, reply: { body: '{}', cutAfter: 0 } },
      OPEN,
      { on: GET, reply: image },
    ])
    await using client = testClient()

    expect(await manifestOf(client, registry.host)).toEqual(IMAGE)
  })

  it('stop with the signal', async () => {
    const stop = new AbortController()
    const busy: Reply = { status: 503, headers: { 'retry-after': '60' } }
    await using registry = await scriptedRegistry([OPEN, { on: GET, reply: busy }])
    await using client = testClient({ onRetry: () => stop.abort(new Error('enough')) })

    const reading = client.repository({ registry: registry.host, repository: 'a' }).manifest('v1', stop)

    await expect(reading).rejects.toThrow()
    expect(registry.requests).toHaveLength(2)
  })

  it('send a POST again only where it was not acted on', async () => {
    const content = { mediaType: 'x', digest: IMAGE.descriptor.digest, size: 1 }
    await using registry = await scriptedRegistry([
      OPEN,
      { on: /uploads/, times: 1, reply: { status: 429 } },
      { on: /uploads/, reply: { status: 500 } },
    ])
    await using client = testClient({ side: 'target' })

    const beginning = client.repository({ registry: registry.host, repository: 'a' }).beginUpload(content, { signal })

    await expect(beginning).rejects.toMatchObject({ code: 'REGISTRY_FAILED', details: { status: 500 } })
    expect(registry.requests).toHaveLength(3)
  })
})

describe('a registry that cannot be reached', () => {
  it('is told with side, name and reason', async () => {
    await using client = testClient({ ...strict, side: 'target' })

    await expect(manifestOf(client, '127.0.0.1:9')).rejects.toMatchObject({
      code: 'REGISTRY_UNREACHABLE',
      message: 'target: pinging registry 127.0.0.1:9: connection refused',
      details: { side: 'target', registry: '127.0.0.1:9' },
    })
  })

  it('is told from one that has no TLS', async () => {
    await using registry = await scriptedRegistry([])
    await using client = testClient(strict)

    await expect(manifestOf(client, registry.host)).rejects.toMatchObject({
      code: 'REGISTRY_UNREACHABLE',
      message: expect.stringContaining('server gave HTTP response to HTTPS client'),
      hint: expect.stringContaining('--src-tls-verify=false'),
    })
    expect(registry.requests).toEqual([])
  })
})

describe('TLS', () => {
  it('trusts the certificates that are configured for the registry', async () => {
    const ca = await makeCa()
    await using registry = await scriptedRegistry([OPEN, { on: GET, reply: image }], {
      tls: await issueCertificate(ca),
    })
    await using client = testClient({
      ...strict,
      certificates: () => Promise.resolve({ ca: [...rootCertificates, ca.cert] }),
    })

    expect(await manifestOf(client, registry.host)).toEqual(IMAGE)
  })

  it('shows the configured certificate to the registry', async () => {
    const ca = await makeCa()
    const mine = await issueCertificate(ca, ['client'])
    const tls = { ...(await issueCertificate(ca)), ca: ca.cert, requestCert: true, rejectUnauthorized: true }
    await using registry = await scriptedRegistry([OPEN, { on: GET, reply: image }], { tls })
    await using client = testClient({ ...strict, certificates: () => Promise.resolve({ ca: [ca.cert], ...mine }) })

    expect(await manifestOf(client, registry.host)).toEqual(IMAGE)
  })

  it.each([
    ['from an unknown authority', ['127.0.0.1'], false, 'certificate signed by unknown authority'],
    ['for another name', ['elsewhere.example'], true, 'certificate is valid for other names only'],
  ])('refuses a certificate %s, without asking twice', async (_, names, isTrusted, text) => {
    const ca = await makeCa()
    await using registry = await scriptedRegistry([], { tls: await issueCertificate(ca, names) })
    await using client = testClient({
      ...strict,
      certificates: () => Promise.resolve({ ca: isTrusted ? [ca.cert] : rootCertificates }),
      onRetry: () => expect.unreachable(),
    })

    const error = await manifestOf(client, registry.host).catch((failure: unknown) => failure)

    expect(error).toMatchObject({
      code: 'CERTIFICATE_INVALID',
      message: expect.stringContaining(text),
      hint: expect.stringContaining(`certs.d/${registry.host}`),
    })
    expect(messageOf(error)).not.toContain('Node.js')
  })

  it.each([
    ['tlsVerify is off', { ...strict, tlsVerify: false }],
    ['registries.conf calls it insecure', {}],
  ])('takes any certificate where %s', async (_, options) => {
    const tls = await issueCertificate(await makeCa(), ['elsewhere.example'])
    await using registry = await scriptedRegistry([OPEN, { on: GET, reply: image }], { tls })
    await using client = testClient(options)

    expect(await manifestOf(client, registry.host)).toEqual(IMAGE)
  })

  it('says which certificates cannot be read', async () => {
    await using client = testClient({
      ...strict,
      certificates: () => Promise.resolve({ ca: [], cert: 'no PEM', key: 'no PEM' }),
    })

    await expect(manifestOf(client, '127.0.0.1:9')).rejects.toMatchObject({ code: 'CERTIFICATE_INVALID' })
  })

  it('sends no credentials to a token service without TLS', async () => {
    const ca = await makeCa()
    await using tokens = await scriptedRegistry([])
    const challenge = { 'www-authenticate': `Bearer realm="${tokens.url}/token"` }
    await using registry = await scriptedRegistry([{ on: 'GET /v2/', reply: { status: 401, headers: challenge } }], {
      tls: await issueCertificate(ca),
    })
    await using client = testClient({
      ...strict,
      credential: { kind: 'basic', username: 'ann', password: 'pw' },
      certificates: () => Promise.resolve({ ca: [ca.cert] }),
    })

    await expect(manifestOf(client, registry.host)).rejects.toMatchObject({ code: 'REGISTRY_UNSUPPORTED' })
    expect(tokens.requests).toEqual([])
  })

  it('is not given up on a redirect', async () => {
    const ca = await makeCa()
    await using storage = await scriptedRegistry([])
    await using registry = await scriptedRegistry(
      [OPEN, { on: GET, reply: { status: 307, headers: { location: `${storage.url}/x` } } }],
      { tls: await issueCertificate(ca) },
    )
    await using client = testClient({ ...strict, certificates: () => Promise.resolve({ ca: [ca.cert] }) })

    await expect(manifestOf(client, registry.host)).rejects.toMatchObject({ code: 'REGISTRY_UNSUPPORTED' })
    expect(storage.requests).toEqual([])
  })
})

describe('limits', () => {
  it('hold for all requests to a host together', async () => {
    let running = 0
    let most = 0
    const counted = (): Reply => {
      running += 1
      most = Math.max(most, running)
      setImmediate(() => {
        running -= 1
      })
      return image
    }
    await using registry = await scriptedRegistry([OPEN, { on: /manifests/, reply: counted }])
    await using client = testClient({ limits: { connectionsPerHost: 2, requestsPerHost: 2 } })

    await Promise.all(
      Array.from({ length: 20 }, (_, at) =>
        client.repository({ registry: registry.host, repository: `a/${at}` }).manifest('v1', { signal }),
      ),
    )

    expect(new Set(registry.requests.map(({ port }) => port)).size).toBeLessThanOrEqual(2)
    expect(most).toBeLessThanOrEqual(2)
    expect(registry.requests).toHaveLength(21)
  })
})

describe('closing the client', () => {
  it('ends what is under way and what waits for a place', async () => {
    const arrived = Promise.withResolvers<void>()
    const stall = (): Reply => {
      arrived.resolve()
      return { ...image, stallAfter: 0 }
    }
    await using registry = await scriptedRegistry([OPEN, { on: GET, reply: stall }])
    const client = testClient({ limits: { connectionsPerHost: 1, requestsPerHost: 1 }, stallTimeoutMs: 60_000 })

    const both = Promise.allSettled([manifestOf(client, registry.host), manifestOf(client, registry.host)])
    await arrived.promise
    await client[Symbol.asyncDispose]()

    expect((await both).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(registry.requests).toHaveLength(2)
  })
})

describe('a proxy', () => {
  it('is asked for what lies behind it', async () => {
    await using proxy = await scriptedRegistry([
      {
        on: /^GET http:\/\/registry\.example\/v2\/$/,
        headers: { 'proxy-authorization': `Basic ${Buffer.from('p:q').toString('base64')}` },
        reply: {},
      },
      { on: /^GET http:\/\/registry\.example\/v2\/a\/manifests/, reply: image },
    ])
    const address = new URL(proxy.url)
    address.username = 'p'
    address.password = 'q'
    await using client = testClient({
      proxyFor: ({ protocol }) => (protocol === 'http:' ? address : new URL('http://127.0.0.1:9')),
    })

    expect(await manifestOf(client, 'registry.example')).toEqual(IMAGE)
  })
})

describe('fetchBytes', () => {
  const options = { signal, maxBytes: 100 }

  it('reads a small file, following redirects, and sends nothing secret', async () => {
    await using other = await scriptedRegistry([{ on: 'GET /signature-1', reply: { body: 'signed' } }])
    await using server = await scriptedRegistry([
      { on: 'GET /s/signature-1', reply: { status: 302, headers: { location: `${other.url}/signature-1` } } },
    ])
    await using client = testClient({ credential: { kind: 'basic', username: 'ann', password: 'pw' } })

    const bytes = await client.fetchBytes(new URL(`${server.url}/s/signature-1`), options)

    expect(Buffer.from(bytes ?? []).toString()).toBe('signed')
    expect(other.requests[0]?.headers.authorization).toBeUndefined()
  })

  it.each([
    ['absent', { status: 404 }, undefined],
    ['too large', { body: 'x'.repeat(101) }, 'SIZE_MISMATCH'],
    ['forbidden', { status: 403 }, 'REGISTRY_REFUSED'],
  ] satisfies [string, Reply, string | undefined][])('tells of a file that is %s', async (_, reply, code) => {
    await using server = await scriptedRegistry([{ on: 'GET /x', reply }])
    await using client = testClient()

    const reading = client.fetchBytes(new URL(`${server.url}/x`), options)

    if (code === undefined) expect(await reading).toBeUndefined()
    else await expect(reading).rejects.toMatchObject({ code })
  })
})
