/**
 * What the client must be told about registries: where to read, whom to trust,
 * which credentials to use. Functions, so that it depends on no file format.
 */
import type { RetryPolicy } from '../base/retry.ts'
import type { Credential, CredentialScope } from '../config/auth-file.ts'
import type { CallOptions } from '../content/ports.ts'
import type { Reference, RepositoryName } from '../oci/reference.ts'

export type Side = 'source' | 'target'

/** One physical repository that a read may go to. */
export interface PullSource {
  readonly name: RepositoryName
  /** Certificates are not verified, and plain HTTP is tried where HTTPS fails. */
  readonly insecure: boolean
  readonly blocked: boolean
  readonly isMirror: boolean
}

export type EndpointFlags = Pick<PullSource, 'insecure' | 'blocked'>

/** Where credentials for a registry, or a part of it, are looked up. */
export interface CredentialSource {
  lookup(name: CredentialScope, options: CallOptions): Promise<Credential | undefined>
  /** Files and helpers that are asked, for messages. */
  lookedIn(): readonly string[]
}

/** Every PEM certificate that is trusted for a registry, and the client's own pair where it has one. */
export interface ClientCertificates {
  readonly ca: readonly string[]
  readonly cert?: string
  readonly key?: string
}

export interface RegistryClientOptions {
  readonly side: Side
  /** Physical places to try for a read, best first; writes and tag lists use the name itself. */
  readonly pullSources: (reference: Reference) => readonly PullSource[]
  readonly endpointOf: (name: RepositoryName) => EndpointFlags
  readonly credentials: CredentialSource
  readonly certificates: (registry: string, options: CallOptions) => Promise<ClientCertificates>
  readonly proxyFor: (url: URL) => URL | undefined
  readonly tlsVerify: boolean
  /** For each host. */
  readonly limits: { readonly connectionsPerHost: number; readonly requestsPerHost: number }
  readonly retry: RetryPolicy
  /** A request on which nothing moves for so long is given up, in milliseconds. */
  readonly stallTimeoutMs: number
  readonly onRetry?: (event: RequestRetry) => void
}

export interface RequestRetry {
  readonly registry: string
  readonly attempt: number
  readonly waitMs: number
  readonly message: string
}

/** The host that serves a registry's API: Docker Hub's differs from the name that references have. */
export function apiHost(registry: string): string {
  return registry === 'docker.io' || registry === 'index.docker.io' ? 'registry-1.docker.io' : registry
}
