/**
 * Certificates for one registry, from the first `certs.d/HOST[:PORT]` directory there is.
 *
 * `*.crt` are authorities, trusted beside those of the system; `X.cert` with `X.key` is the client's own pair.
 *
 * Spec: https://github.com/containers/image/blob/v5.36.2/docs/containers-certs.d.5.md
 */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { AirliftError, isAirliftError, isSystemError } from '../base/errors.ts'
import { splitCertificates } from './pem.ts'
import { readBounded } from './read-bounded.ts'

export interface RegistryCertificates {
  /** PEM, one certificate each. */
  readonly ca: readonly string[]
  /** PEM: the client's certificate, with its chain, and the key to it. */
  readonly cert?: string
  readonly key?: string
}

export interface CertificatesOptions {
  readonly home: string
  readonly signal: AbortSignal
  /** In place of the three directories that hold `HOST[:PORT]` directories. */
  readonly dirs?: readonly string[]
  /** The one directory to read, whatever the registry: it must exist. */
  readonly directory?: string
}

/**
 * Of several client pairs the first by name is used.
 *
 * @param registry as references have it, with a port only where they have one.
 * @throws {AirliftError} `CERTIFICATE_INVALID`.
 */
export async function loadCertificates(registry: string, options: CertificatesOptions): Promise<RegistryCertificates> {
  const { home, signal, directory: only } = options
  const user = join(home, '.config/containers/certs.d')
  const parents = options.dirs ?? [user, '/etc/containers/certs.d', '/etc/docker/certs.d']
  for (const directory of only === undefined ? parents.map((parent) => join(parent, registry)) : [only]) {
    const names = await list(directory)
    if (names === undefined && directory === only) throw invalid(directory, 'no such directory')
    if (names === undefined) continue
    try {
      return await readCertificates(directory, names, { signal })
    } catch (error) {
      if (isAirliftError(error) || signal.aborted) throw error
      throw invalid(directory, error instanceof Error ? error.message : String(error), error)
    }
  }
  return { ca: [] }
}

/** `undefined` where there is nothing to see. */
async function list(directory: string): Promise<readonly string[] | undefined> {
  try {
    return (await readdir(directory)).toSorted()
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'EACCES', 'EPERM')) return undefined
    throw invalid(directory, error instanceof Error ? error.message : String(error), error)
  }
}

async function readCertificates(
  directory: string,
  names: readonly string[],
  { signal }: { readonly signal: AbortSignal },
): Promise<RegistryCertificates> {
  checkPairs(directory, names)
  const read = async (name: string): Promise<string> =>
    (await readBounded(join(directory, name), { signal })).toString()
  const ca: string[] = []
  for (const name of names.filter((name) => name.endsWith('.crt'))) {
    for (const certificate of splitCertificates(await read(name))) {
      if (parseCertificate(certificate) === undefined) throw invalid(directory, `${name} holds a broken certificate`)
      ca.push(certificate)
    }
  }
  const client = names.find((name) => name.endsWith('.cert'))
  if (client === undefined) return { ca }
  const keyName = client.replace(/\.cert$/, '.key')
  const [cert, key] = [await read(client), await read(keyName)]
  const leaf = parseCertificate(splitCertificates(cert)[0] ?? '')
  if (leaf === undefined) throw invalid(directory, `${client} holds no certificate`)
  if (!belongsTo(key, leaf)) throw invalid(directory, `${keyName} is not the private key of ${client}`)
  return { ca, cert, key }
}

function checkPairs(directory: string, names: readonly string[]): void {
  for (const name of names) {
    const [, base, extension] = /^(?<base>.*)\.(?<extension>cert|key)$/s.exec(name) ?? []
    if (extension === 'cert' && !names.includes(`${base}.key`)) {
      throw invalid(
        directory,
        `missing key ${base}.key for client certificate ${name}. Note that CA certificates should use the extension .crt`,
      )
    }
    if (extension === 'key' && !names.includes(`${base}.cert`)) {
      throw invalid(directory, `missing client certificate ${base}.cert for key ${name}`)
    }
  }
}

function parseCertificate(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem)
  } catch {
    return undefined
  }
}

function belongsTo(key: string, certificate: X509Certificate): boolean {
  try {
    return certificate.checkPrivateKey(createPrivateKey(key))
  } catch {
    return false
  }
}

function invalid(directory: string, problem: string, cause?: unknown): AirliftError {
  return new AirliftError('CERTIFICATE_INVALID', `reading certificates in ${directory}: ${problem}`, {
    hint: `correct the files in ${directory}`,
    ...(cause !== undefined && { cause }),
  })
}
