/**
 * The client of the distribution specification for one side of a run: connections,
 * conversations with registries and what they have taught, shared by all its
 * repositories, and closed with it.
 */
import type { CallOptions } from '../content/ports.ts'
import { formatRepository } from '../oci/reference.ts'
import type { RepositoryName } from '../oci/reference.ts'
import type { CredentialScope } from '../config/auth-file.ts'
import type { RegistryClientOptions } from './endpoint.ts'
import { fetchBytes } from './fetch-bytes.ts'
import type { FetchOptions } from './fetch-bytes.ts'
import { blocked } from './pull-sources.ts'
import { RegistrySession } from './registry-session.ts'
import { RemoteRepository } from './remote-repository.ts'
import { repositoryScope } from './scope.ts'
import { Transport } from './transport.ts'

export class RegistryClient implements AsyncDisposable {
  readonly #options: RegistryClientOptions
  readonly #transport: Transport
  readonly #sessions = new Map<string, RegistrySession>()
  readonly #repositories = new Map<string, RemoteRepository>()

  constructor(options: RegistryClientOptions) {
    this.#options = options
    this.#transport = new Transport(options)
  }

  /** The same object for the same name: it knows which mirror served what. */
  repository(name: RepositoryName): RemoteRepository {
    const key = formatRepository(name)
    const known = this.#repositories.get(key)
    if (known !== undefined) return known
    const repository = new RemoteRepository(name, {
      options: this.#options,
      transport: this.#transport,
      session: (registry, insecure) => this.#session(registry, insecure),
      sessionAt: (origin) => [...this.#sessions.values()].find((session) => session.origin === origin),
    })
    this.#repositories.set(key, repository)
    return repository
  }

  /**
   * Asks a registry whether it lets us in, with the credentials that are configured for `name`. Nothing is written: that a
   * push is allowed is known as far as a token service says.
   *
   * @throws {AirliftError} `AUTH_REQUIRED`, `REGISTRY_REFUSED`, `REGISTRY_BLOCKED`, or what keeps the registry from answering.
   */
  async checkAccess(name: CredentialScope, options: CallOptions & { readonly push?: boolean }): Promise<void> {
    const { registry, repository } = name
    const asked = { registry, repository: repository ?? '' }
    const flags = this.#options.endpointOf(asked)
    if (flags.blocked) throw blocked({ name: asked }, this.#options.side)
    const scope = repository === undefined ? [] : [repositoryScope(repository, options.push === true ? 'push' : 'pull')]
    const access = { ...(repository !== undefined && { repository }), scopes: scope }
    await this.#session(registry, flags.insecure).checkAccess(access, options)
  }

  /** Drops credentials and tokens of a registry: new ones have been given. */
  forget(registry: string): void {
    for (const session of this.#sessions.values()) if (session.peer.registry === registry) session.forget()
  }

  /** A small file from a server that is no registry; `undefined` where it has none. */
  fetchBytes(url: URL, options: FetchOptions): Promise<Uint8Array | undefined> {
    return fetchBytes(this.#transport, this.#options, url, options)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#transport[Symbol.asyncDispose]()
  }

  #session(registry: string, insecure: boolean): RegistrySession {
    const key = `${registry} ${insecure}`
    const known = this.#sessions.get(key)
    if (known !== undefined) return known
    const session = new RegistrySession({ registry, insecure, transport: this.#transport, client: this.#options })
    this.#sessions.set(key, session)
    return session
  }
}
