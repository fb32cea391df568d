/**
 * Finds the credentials for a registry as podman, skopeo and `oc-mirror` do: what was typed, then the credential
 * helpers of `registries.conf` in their order, of which one stands for the auth files.
 *
 * Files are read once, when first needed. A credential is only given for the scope that its key names.
 *
 * Spec: https://github.com/containers/image/blob/v5.36.2/docs/containers-auth.json.5.md
 */
import { join } from 'node:path'
import { AirliftError, isAirliftError } from '../base/errors.ts'
import { findCredential, loadAuthFile } from './auth-file.ts'
import type { AuthFile, Credential, CredentialScope } from './auth-file.ts'
import { askHelper } from './credential-helper.ts'
import { AUTH_FILE_HELPER } from './registries-conf.ts'

export interface CredentialStoreOptions {
  /** `--authfile`: the only file, and it must exist. */
  readonly authFile?: string | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  readonly home: string
  /** Names `/run/containers/UID` where `XDG_RUNTIME_DIR` is not set. */
  readonly uid?: number | undefined
  readonly credentialHelpers: readonly string[]
  /** How long one helper may take, in milliseconds. */
  readonly helperTimeoutMs?: number
}

interface LookupOptions {
  readonly signal: AbortSignal
}

type AuthFilePlace = Pick<AuthFile, 'path' | 'legacy'> & { readonly required: boolean }

export class CredentialStore {
  readonly #options: CredentialStoreOptions
  readonly #places: readonly AuthFilePlace[]
  readonly #files = new StartedOnce<AuthFile | undefined>()
  readonly #typed = new Map<string, Credential>()
  readonly #helperAnswers = new StartedOnce<Credential | undefined>()
  readonly #helpersAsked = new Set<string>()

  constructor(options: CredentialStoreOptions) {
    this.#options = options
    this.#places = authFilePlaces(options)
  }

  /** Keeps a credential for this run only. It goes before all others for this host. */
  add(registry: string, credential: Credential): void {
    this.#typed.set(registry, credential)
  }

  /** Files and helpers that are asked, in their order, for messages. */
  lookedIn(): readonly string[] {
    const places = this.#options.credentialHelpers.flatMap((helper) =>
      helper === AUTH_FILE_HELPER ? this.#places.map(({ path }) => path) : [`docker-credential-${helper}`],
    )
    return [...new Set([...places, ...this.#helpersAsked])]
  }

  /**
   * @returns `undefined` where nothing is kept for this scope.
   * @throws {AirliftError} `AUTH_FILE_INVALID` or `CREDENTIAL_HELPER_FAILED`, only where no other helper knew one.
   */
  async lookup(scope: CredentialScope, { signal }: LookupOptions): Promise<Credential | undefined> {
    const typed = this.#typed.get(scope.registry)
    if (typed !== undefined) return typed
    const failures: AirliftError[] = []
    for (const helper of this.#options.credentialHelpers) {
      try {
        const found =
          helper === AUTH_FILE_HELPER
            ? await this.#lookupInFiles(scope, { signal })
            : await this.#ask({ name: helper, namedIn: 'registries.conf', optional: false }, scope.registry, { signal })
        if (found !== undefined) return found
      } catch (error) {
        if (!isAirliftError(error)) throw error
        failures.push(error)
      }
    }
    const [failure] = failures
    if (failure !== undefined) throw failure
    return undefined
  }

  async #lookupInFiles(scope: CredentialScope, { signal }: LookupOptions): Promise<Credential | undefined> {
    for (const place of this.#places) {
      const file = await this.#load(place, { signal })
      if (file === undefined) continue
      const { path, defaultHelper } = file
      const helper = file.helpers.get(scope.registry)
      const found =
        helper === undefined
          ? findCredential(file, scope)
          : await this.#ask({ name: helper, namedIn: path, optional: false }, scope.registry, { signal })
      if (found !== undefined) return found
      if (helper !== undefined || defaultHelper === undefined) continue
      const host = scope.registry === 'docker.io' ? 'https://index.docker.io/v1/' : scope.registry
      const stored = await this.#ask({ name: defaultHelper, namedIn: path, optional: true }, host, { signal })
      if (stored !== undefined) return stored
    }
    return undefined
  }

  #load(place: AuthFilePlace, { signal }: LookupOptions): Promise<AuthFile | undefined> {
    return this.#files.get(place.path, () => loadPlace(place, { signal }), { signal })
  }

  async #ask(
    helper: { readonly name: string; readonly namedIn: string; readonly optional: boolean },
    host: string,
    { signal }: LookupOptions,
  ): Promise<Credential | undefined> {
    const { env, helperTimeoutMs } = this.#options
    this.#helpersAsked.add(`docker-credential-${helper.name}`)
    const limits = helperTimeoutMs === undefined ? {} : { timeoutMs: helperTimeoutMs }
    const start = (): Promise<Credential | undefined> =>
      askHelper(helper, host, { env, signal, namedIn: helper.namedIn, ...limits })
    return await this.#helperAnswers.get(`${helper.name} ${host}`, start, { signal })
  }
}

/** Many images ask for the same at once: it is started for the first, and again only where that one was cancelled. */
class StartedOnce<T> {
  readonly #started = new Map<string, Promise<T>>()

  async get(key: string, start: () => Promise<T>, { signal }: LookupOptions): Promise<T> {
    const shared = this.#started.get(key)
    if (shared === undefined) {
      const own = start()
      this.#started.set(key, own)
      return await own
    }
    try {
      return await shared
    } catch (error) {
      if (isAirliftError(error) || signal.aborted) throw error
      if (this.#started.get(key) === shared) this.#started.delete(key)
      return await this.get(key, start, { signal })
    }
  }
}

async function loadPlace(place: AuthFilePlace, { signal }: LookupOptions): Promise<AuthFile | undefined> {
  const file = await loadAuthFile(place, { signal })
  if (file === undefined && place.required) {
    throw new AirliftError('AUTH_FILE_INVALID', `reading credentials from ${place.path}: no such file`, {
      hint: 'name an existing file with --authfile or REGISTRY_AUTH_FILE, or leave both out',
    })
  }
  return file
}

/** The files in which credentials are looked for, best first. */
function authFilePlaces({ authFile, env, home, uid }: CredentialStoreOptions): readonly AuthFilePlace[] {
  const only = authFile ?? env['REGISTRY_AUTH_FILE'] ?? ''
  if (only !== '') return [{ path: only, legacy: false, required: true }]
  const runtime = env['XDG_RUNTIME_DIR'] || (uid === undefined ? '' : `/run/containers/${uid}`)
  const runtimeFile = env['XDG_RUNTIME_DIR'] ? join(runtime, 'containers/auth.json') : join(runtime, 'auth.json')
  const paths = [
    ...(runtime === '' ? [] : [runtimeFile]),
    join(env['XDG_CONFIG_HOME'] || join(home, '.config'), 'containers/auth.json'),
    join(env['DOCKER_CONFIG'] || join(home, '.docker'), 'config.json'),
  ]
  return [
    ...paths.map((path) => ({ path, legacy: false, required: false })),
    { path: join(home, '.dockercfg'), legacy: true, required: false },
  ]
}
