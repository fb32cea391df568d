/** Skopeo as a judge, with a home of its own, so that nothing of the machine's configuration reaches it. */
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { writeAuthFile } from './user-files.ts'
import type { Credentials } from './user-files.ts'

export interface PeerOptions {
  /** A directory for the tool's files, the caller's to remove. */
  readonly home: string
  /** PEM of the authority that registries' certificates are from; plain HTTP where absent. */
  readonly ca?: string
  readonly credentials?: Credentials
}

const run = promisify(execFile)
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024

/**
 * @returns what it printed, as bytes: manifests come out as they are.
 * @throws with its standard error, if it fails.
 */
export async function skopeo(args: readonly string[], options: PeerOptions): Promise<Buffer> {
  const { home, ca } = options
  const caFile = join(home, 'ca.crt')
  const authFile = await writeAuthFile(join(home, 'auth.json'), options.credentials ?? {})
  if (ca !== undefined) await writeFile(caFile, ca)
  const [command = '', ...rest] = args
  const flags = [...tlsFlags(command, ca === undefined ? 'false' : 'true'), '--authfile', authFile]
  const { stdout } = await run('skopeo', ['--insecure-policy', command, ...flags, ...rest], {
    encoding: 'buffer',
    maxBuffer: MAX_OUTPUT_BYTES,
    env: { PATH: process.env['PATH'], HOME: home, ...(ca !== undefined && { SSL_CERT_FILE: caFile }) },
  })
  return stdout
}

function tlsFlags(command: string, verify: string): string[] {
  return command === 'copy' || command === 'sync'
    ? [`--src-tls-verify=${verify}`, `--dest-tls-verify=${verify}`]
    : [`--tls-verify=${verify}`]
}
