/**
 * Auth files: `auth.json` of podman and friends, `config.json` and `.dockercfg` of docker.
 *
 * Reading is pure but for {@link loadAuthFile}. No message ever quotes the text of a file: it holds secrets.
 *
 * Spec: https://github.com/containers/image/blob/v5.36.2/docs/containers-auth.json.5.md
 */
import { z } from 'zod'
import { AirliftError } from '../base/errors.ts'
import { readIfPresent } from './read-bounded.ts'

export type Credential =
  | { readonly kind: 'basic'; readonly username: string; readonly password: string }
  | { readonly kind: 'identity-token'; readonly token: string }

/** What credentials are for: a registry, or a part of it. */
export interface CredentialScope {
  readonly registry: string
  readonly repository?: string
}

export interface AuthFile {
  readonly path: string
  /** `.dockercfg`: keys are API URLs, and there are no namespaces. */
  readonly legacy: boolean
  readonly auths: ReadonlyMap<string, AuthEntry>
  /** Helper by exact `host[:port]`. */
  readonly helpers: ReadonlyMap<string, string>
  /** Helper for all other hosts. */
  readonly defaultHelper: string | undefined
}

interface AuthEntry {
  readonly auth?: string | undefined
  readonly identitytoken?: string | undefined
}

const entrySchema = z.object({ auth: z.string().nullish(), identitytoken: z.string().nullish() })
const entriesSchema = z.record(z.string(), entrySchema.nullable()).nullish()
const fileSchema = z.object({
  auths: entriesSchema,
  credHelpers: z.record(z.string(), z.string()).nullish(),
  credsStore: z.string().nullish(),
})

/**
 * `undefined` where there is no such file.
 *
 * @throws {AirliftError} `AUTH_FILE_INVALID`.
 */
export async function loadAuthFile(
  { path, legacy }: Pick<AuthFile, 'path' | 'legacy'>,
  { signal }: { readonly signal: AbortSignal },
): Promise<AuthFile | undefined> {
  let bytes: Buffer | undefined
  try {
    bytes = await readIfPresent(path, { signal })
  } catch (error) {
    if (signal.aborted) throw error
    throw new AirliftError('AUTH_FILE_INVALID', `reading credentials from ${path} failed`, {
      hint: `make ${path} readable, or name another file with --authfile`,
      cause: error,
    })
  }
  return bytes === undefined ? undefined : parseAuthFile(bytes.toString('utf8'), { path, legacy })
}

/** @throws {AirliftError} `AUTH_FILE_INVALID`. */
export function parseAuthFile(text: string, { path, legacy }: Pick<AuthFile, 'path' | 'legacy'>): AuthFile {
  const content = readJson(text, path)
  const result = fileSchema.safeParse(legacy ? { auths: content } : content)
  if (!result.success) {
    const [issue] = result.error.issues
    const place = issue === undefined || issue.path.length === 0 ? 'the file' : `"${issue.path.join('"."')}"`
    throw invalid(path, `${place} is not what it should be: ${issue?.code ?? 'not valid'}`)
  }
  const { auths, credHelpers, credsStore } = result.data
  const entries = Object.entries(auths ?? {}).map(
    ([key, entry]) =>
      [key, { auth: entry?.auth ?? undefined, identitytoken: entry?.identitytoken ?? undefined }] as const,
  )
  return {
    path,
    legacy,
    auths: new Map(entries),
    helpers: new Map(Object.entries(credHelpers ?? {})),
    defaultHelper: credsStore === '' || credsStore === null ? undefined : credsStore,
  }
}

/**
 * The credential of the most specific key: `host/ns/repo`, `host/ns`, `host`, then keys that name the host as
 * docker used to. An entry without a user name ends the search: docker leaves such marks beside its helpers.
 *
 * @throws {AirliftError} `AUTH_FILE_INVALID` where the entry cannot be decoded.
 */
export function findCredential(file: AuthFile, scope: CredentialScope): Credential | undefined {
  for (const key of file.legacy ? [scope.registry] : lookupKeys(scope)) {
    const entry = file.auths.get(key)
    if (entry !== undefined) return decodeEntry(file, key, entry)
  }
  const wanted = canonicalHost(scope.registry)
  for (const [key, entry] of file.auths) {
    if (hostOfKey(key, file.legacy) === wanted) return decodeEntry(file, key, entry)
  }
  return undefined
}

/** Most specific first. Pure. */
export function lookupKeys({ registry, repository }: CredentialScope): readonly string[] {
  const parts = repository === undefined ? [] : repository.split('/')
  const longestFirst = parts.map((_, index) => parts.slice(0, parts.length - index).join('/'))
  return [...longestFirst.map((path) => `${registry}/${path}`), registry]
}

function decodeEntry(
  file: AuthFile,
  key: string,
  { auth = '', identitytoken = '' }: AuthEntry,
): Credential | undefined {
  const compact = auth.replaceAll(/[\r\n]/g, '')
  if (compact.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(compact)) {
    throw invalid(file.path, `"auth" of "${key}" is not base64`)
  }
  const decoded = Buffer.from(compact, 'base64').toString('utf8')
  const colon = decoded.indexOf(':')
  if (colon < 0) return undefined
  if (identitytoken !== '') return { kind: 'identity-token', token: identitytoken }
  const username = decoded.slice(0, colon)
  const password = trimNuls(decoded.slice(colon + 1))
  return username === '' && password === '' ? undefined : { kind: 'basic', username, password }
}

/** docker pads passwords with NUL characters. */
function trimNuls(text: string): string {
  let [start, end] = [0, text.length]
  while (start < end && text[start] === '\0') start += 1
  while (end > start && text[end - 1] === '\0') end -= 1
  return text.slice(start, end)
}

/** Keys were once the URL of an API: `https://index.docker.io/v1/`. */
function hostOfKey(key: string, legacy: boolean): string {
  const stripped = key.replace(/^http:\/\//, '').replace(/^https:\/\//, '')
  const host = legacy || stripped !== key ? stripped.split('/', 1)[0] : stripped
  return canonicalHost(host ?? '')
}

function canonicalHost(host: string): string {
  return host === 'docker.io' || host === 'registry-1.docker.io' ? 'index.docker.io' : host
}

function readJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    // The engine's message quotes the text around the mistake, so only the place is taken from it.
    const position = /position (?<offset>\d+)/.exec(error instanceof Error ? error.message : '')?.groups?.['offset']
    if (position === undefined) throw invalid(path, text.trim() === '' ? 'the file is empty' : 'not JSON')
    const before = text.slice(0, Number(position)).split('\n')
    throw invalid(path, `not JSON at line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`)
  }
}

function invalid(path: string, problem: string): AirliftError {
  return new AirliftError('AUTH_FILE_INVALID', `credentials in ${path}: ${problem}`, {
    hint: `correct ${path}, or log in again with podman login`,
  })
}
