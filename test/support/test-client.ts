/** A registry client for loopback: anonymous, impatient, plain HTTP, unless told otherwise. */
import { rootCertificates } from 'node:tls'
import type { Credential } from '../../src/config/auth-file.ts'
import type { RegistryClientOptions } from '../../src/remote/endpoint.ts'
import { RegistryClient } from '../../src/remote/registry-client.ts'

export interface TestClientOptions extends Partial<RegistryClientOptions> {
  readonly credential?: Credential
}

export function testClient({ credential, ...options }: TestClientOptions = {}): RegistryClient {
  return new RegistryClient({
    side: 'source',
    pullSources: ({ registry, repository }) => [
      { name: { registry, repository }, insecure: true, blocked: false, isMirror: false },
    ],
    endpointOf: () => ({ insecure: true, blocked: false }),
    credentials: {
      lookup: () => Promise.resolve(credential),
      lookedIn: () => ['/run/user/1000/containers/auth.json'],
    },
    certificates: () => Promise.resolve({ ca: rootCertificates }),
    proxyFor: () => undefined,
    tlsVerify: true,
    limits: { connectionsPerHost: 4, requestsPerHost: 8 },
    retry: { times: 2, delayMs: 1 },
    stallTimeoutMs: 500,
    ...options,
  })
}
