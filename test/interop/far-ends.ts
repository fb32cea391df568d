/** The two sides of an interop test: TLS with one authority, and each side asks for a password of its own. */
import { startRegistryServer } from '../../src/server/registry-server.ts'
import { startDockerRegistry } from '../support/docker-registry.ts'
import { pushImage } from '../support/push-image.ts'
import type { PushOptions } from '../support/push-image.ts'
import type { BuiltImage } from '../support/random-image.ts'
import type { Credentials } from '../support/user-files.ts'
import type { CertificateAuthority } from '../support/tls.ts'
import { issueCertificate } from '../support/tls.ts'

export interface FarEnd extends AsyncDisposable {
  /** `127.0.0.1:5000`. */
  readonly host: string
  readonly url: string
  readonly directory: string
  readonly credentials: Credentials
}

export async function startDistribution(directory: string, ca: CertificateAuthority): Promise<FarEnd> {
  const tls = await issueCertificate(ca)
  const registry = await startDockerRegistry({ directory, tls, users: { distribution: 'its own' } })
  return { ...registry, directory, credentials: { [registry.host]: { username: 'distribution', password: 'its own' } } }
}

export async function startOurs(directory: string, ca: CertificateAuthority): Promise<FarEnd> {
  const stop = new AbortController()
  const credentials = { username: 'ours', password: 'another one' }
  const server = await startRegistryServer({
    signal: stop.signal,
    storage: directory,
    host: '127.0.0.1',
    port: 0,
    tls: await issueCertificate(ca),
    basicAuth: credentials,
    stopTimeoutMs: 0,
  })
  return {
    host: server.registry,
    url: server.url,
    directory,
    credentials: { [server.registry]: credentials },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]()
      stop.abort()
    },
  }
}

/** Pushes an image with the registry's own password. */
export function put(
  { host, url, credentials }: FarEnd,
  repository: string,
  options: PushOptions & { readonly image: BuiltImage },
): Promise<void> {
  const own = credentials[host]
  return pushImage(url, repository, { ...options, ...(own !== undefined && { credentials: own }) })
}
