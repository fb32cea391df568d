/**
 * Other people's tools, as judges: `skopeo` and `regctl`, run as a user would.
 *
 * They get a home of their own, so that nothing of the machine's configuration reaches them.
 */
import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
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
  const authFile = await writeAuthFile(join(options.home, 'auth.json'), options.credentials ?? {})
  const [command = '', ...rest] = args
  const verify = options.ca === undefined ? 'false' : 'true'
  const flags = [...tlsFlags(command, verify), '--authfile', authFile]
  return runTool('skopeo', ['--insecure-policy', command, ...flags, ...rest], options)
}

/** As {@link skopeo}. `args` begin with the command: `image`, `copy`, … */
export async function regctl(
  args: readonly string[],
  options: PeerOptions & { readonly registries: readonly string[] },
): Promise<Buffer> {
  const hosts = options.registries.map((registry) => [
    registry,
    {
      hostname: registry,
      tls: options.ca === undefined ? 'disabled' : 'enabled',
      ...(options.ca !== undefined && { regcert: options.ca }),
      ...(options.credentials?.[registry] !== undefined && {
        user: options.credentials[registry].username,
        pass: options.credentials[registry].password,
      }),
    },
  ])
  await mkdir(join(options.home, '.regctl'), { recursive: true })
  await writeFile(join(options.home, '.regctl/config.json'), JSON.stringify({ hosts: Object.fromEntries(hosts) }))
  return runTool('regctl', args, options)
}

async function runTool(tool: string, args: readonly string[], { home, ca }: PeerOptions): Promise<Buffer> {
  await mkdir(home, { recursive: true })
  const caFile = join(home, 'ca.crt')
  if (ca !== undefined) await writeFile(caFile, ca)
  const { stdout } = await run(tool, [...args], {
    encoding: 'buffer',
    maxBuffer: MAX_OUTPUT_BYTES,
    env: {
      PATH: `${process.env['PATH'] ?? ''}:${join(homedir(), 'go/bin')}`,
      HOME: home,
      ...(ca !== undefined && { SSL_CERT_FILE: caFile }),
    },
  })
  return stdout
}

function tlsFlags(command: string, verify: string): string[] {
  return command === 'copy' || command === 'sync'
    ? [`--src-tls-verify=${verify}`, `--dest-tls-verify=${verify}`]
    : [`--tls-verify=${verify}`]
}
