/**
 * The certificate authorities that the system trusts, found as Go programs find them on Linux.
 *
 * `SSL_CERT_FILE` takes the place of the list of files, `SSL_CERT_DIR` (directories separated by colons) that of the list
 * of directories; the first file that exists and all directories are read.
 *
 * Reference: https://github.com/golang/go/blob/go1.25.0/src/crypto/x509/root_unix.go
 */
import { readdir, readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { rootCertificates } from 'node:tls'
import { AirliftError } from '../base/errors.ts'
import { mapLimit } from '../base/map-limit.ts'
import { splitCertificates } from './pem.ts'

export interface SystemCaOptions {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly signal: AbortSignal
  /** In place of the system's own lists. */
  readonly defaults?: { readonly files: readonly string[]; readonly directories: readonly string[] }
}

/** Debian, Fedora and RHEL 6, OpenSUSE, OpenELEC, RHEL 7 and later, Alpine. */
const FILES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/pki/tls/cacert.pem',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/ssl/cert.pem',
]
const DIRECTORIES = ['/etc/ssl/certs', '/etc/pki/tls/certs']

/**
 * PEM, each certificate once. Where the system has no store at all, those that Node.js brings.
 *
 * @throws {AirliftError} `CERTIFICATE_INVALID` where the environment names a store and there is nothing in it: to
 *   trust others then would not be what was asked for.
 */
export async function loadSystemCa({ env, signal, defaults }: SystemCaOptions): Promise<readonly string[]> {
  const { SSL_CERT_FILE: file = '', SSL_CERT_DIR: directory = '' } = env
  const files = file === '' ? (defaults?.files ?? FILES) : [file]
  const directories = directory === '' ? (defaults?.directories ?? DIRECTORIES) : directory.split(':')
  const found = new Set<string>()
  for (const path of files) {
    const text = await readText(path, { signal })
    if (text === undefined) continue
    for (const certificate of splitCertificates(text)) found.add(certificate)
    break
  }
  const texts = await mapLimit(await listFiles(directories), 16, (path, signal) => readText(path, { signal }), {
    signal,
  })
  for (const certificate of texts.flatMap((text) => splitCertificates(text ?? ''))) found.add(certificate)
  if (found.size > 0) return [...found]
  if (file === '' && directory === '') return [...rootCertificates]
  const named = [file && `SSL_CERT_FILE=${file}`, directory && `SSL_CERT_DIR=${directory}`].filter(Boolean).join(' ')
  throw new AirliftError('CERTIFICATE_INVALID', `no certificate found where ${named} says`, {
    hint: 'name a readable file or directory with PEM certificates, or unset the variable',
  })
}

async function listFiles(directories: readonly string[]): Promise<readonly string[]> {
  const lists = await Promise.all(
    directories.map(async (directory) => {
      try {
        const entries = await readdir(directory, { withFileTypes: true })
        const names = entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name)
        return await Promise.all(
          names.map(async (name) => ((await isAlias(join(directory, name))) ? [] : [join(directory, name)])),
        )
      } catch {
        // As in Go: a directory that cannot be read adds nothing.
        return []
      }
    }),
  )
  return lists.flat(2).toSorted()
}

/** OpenSSL finds certificates by links in the same directory, named after a hash: each is read under its own name. */
async function isAlias(path: string): Promise<boolean> {
  try {
    return !(await readlink(path)).includes('/')
  } catch {
    return false
  }
}

/** `undefined` where it cannot be read: as in Go, the next one may be. */
async function readText(path: string, { signal }: { readonly signal: AbortSignal }): Promise<string | undefined> {
  try {
    return await readFile(path, { encoding: 'utf8', signal })
  } catch (error) {
    if (signal.aborted) throw error
    return undefined
  }
}
