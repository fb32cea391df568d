/** The real command line behind a forward proxy: TLS through `CONNECT`, plain HTTP by whole addresses. */
import { createServer, request } from 'node:http'
import type { Server } from 'node:http'
import { connect } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { writeFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { startRegistryServer } from '../../src/server/registry-server.ts'
import type { RunningServer } from '../../src/server/registry-server.ts'
import { pushImage } from '../support/push-image.ts'
import { randomImage } from '../support/random-image.ts'
import { runAirlift } from '../support/run-airlift.ts'
import { tempDir } from '../support/temp-dir.ts'
import type { TempDir } from '../support/temp-dir.ts'
import { issueCertificate, makeCa } from '../support/tls.ts'
import type { IssuedCertificate } from '../support/tls.ts'
import { writeImageSet } from '../support/user-files.ts'

interface ForwardProxy extends AsyncDisposable {
  readonly host: string
  /** `CONNECT source.example:443`, `GET http://…`, in order of arrival, each once. */
  readonly asked: Set<string>
  readonly credentials: Set<string | undefined>
}

/** Knows names under `.example`, which no resolver does, as this machine. */
async function startForwardProxy(): Promise<ForwardProxy> {
  const asked = new Set<string>()
  const credentials = new Set<string | undefined>()
  const sockets = new Set<Socket>()
  const server: Server = createServer((message, answer) => {
    const url = new URL(message.url ?? '')
    asked.add(`${message.method} ${url.origin}`)
    credentials.add(message.headers['proxy-authorization'])
    const { method = 'GET', headers } = message
    const onward = request({ host: '127.0.0.1', port: url.port, path: url.pathname + url.search, method, headers })
    onward.on('response', (upstream) => {
      answer.writeHead(upstream.statusCode ?? 502, upstream.headers)
      upstream.pipe(answer)
    })
    onward.on('error', () => answer.destroy())
    message.pipe(onward)
  })
  server.on('connect', (message, client: Socket, head: Buffer) => {
    asked.add(`CONNECT ${message.url}`)
    credentials.add(message.headers['proxy-authorization'])
    const onward = connect(Number(message.url?.split(':')[1]), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n')
      onward.write(head)
      onward.pipe(client)
      client.pipe(onward)
    })
    onward.on('error', () => client.destroy())
    client.on('error', () => onward.destroy())
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    credentials,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve))
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

async function serve(dir: TempDir, name: string, tls?: IssuedCertificate): Promise<RunningServer> {
  const { signal } = new AbortController()
  const own = { signal, storage: dir.join(name), host: '127.0.0.1', port: 0, stopTimeoutMs: 0 }
  return await startRegistryServer({ ...own, ...(tls !== undefined && { tls }) })
}

it.each(['https', 'http'] as const)('copies between two %s registries that only the proxy knows', async (scheme) => {
  await using dir = await tempDir()
  const ca = await makeCa()
  const tls =
    scheme === 'https' ? await issueCertificate(ca, ['source.example', 'target.example', '127.0.0.1']) : undefined
  await writeFile(dir.join('ca.pem'), ca.cert)
  await using source = await serve(dir, 'source', tls)
  await using target = await serve(dir, 'target', tls)
  await using proxy = await startForwardProxy()
  const image = randomImage({ seed: 1, bytes: 300_000 })
  await pushImage(source.url, 'a/one', { image, tag: 'v1', ca: ca.cert })
  const config = await writeImageSet(dir.join('isc.yaml'), [`source.example:${source.port}/a/one:v1`])
  const insecure = scheme === 'http' ? ['--src-tls-verify=false', '--dest-tls-verify=false'] : []
  const args = ['-c', config, '--workspace', `file://${dir.join('w')}`, `docker://target.example:${target.port}/ns`]
  const address = `http://ann:p%40ss@${proxy.host}`
  const env = {
    SSL_CERT_FILE: dir.join('ca.pem'),
    HTTPS_PROXY: address,
    ...(scheme === 'http' && { HTTP_PROXY: address }),
  }

  const { exitCode, stderr } = await runAirlift([...args, ...insecure], { home: dir.join('home'), env })

  expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 })
  const manifest = await target.store.repository('ns/a/one').manifest('v1', { signal: new AbortController().signal })
  expect(manifest?.descriptor.digest).toBe(image.manifest.descriptor.digest)
  expect([...proxy.credentials]).toEqual([`Basic ${Buffer.from('ann:p@ss').toString('base64')}`])
  const names = [`source.example:${source.port}`, `target.example:${target.port}`]
  for (const name of names)
    expect([...proxy.asked]).toContain(scheme === 'https' ? `CONNECT ${name}` : `GET http://${name}`)
})

it('goes past the proxy to what NO_PROXY names', async () => {
  await using dir = await tempDir()
  await using target = await serve(dir, 'target')
  await using proxy = await startForwardProxy()
  const config = await writeImageSet(dir.join('isc.yaml'), ['source.example/a/one:v1'])
  const args = ['-c', config, '--workspace', `file://${dir.join('w')}`, `docker://${target.registry}/ns`]
  const env = { HTTPS_PROXY: proxy.host, NO_PROXY: '.example' }

  const { exitCode, stderr } = await runAirlift([...args, '--dest-tls-verify=false', '--retry-times=0'], {
    home: dir.join('home'),
    env,
  })

  expect(exitCode).toBe(8)
  expect(stderr).toContain('[REGISTRY_UNREACHABLE]')
  expect([...proxy.asked]).toEqual([])
})
