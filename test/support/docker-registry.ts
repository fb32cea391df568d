/**
 * Debian's `docker-registry` as a far end: the reference implementation that most mirrors run on.
 *
 * Listens on loopback at a port that the system chooses, over a directory of the caller's, and is stopped by its own
 * process id. For suites that `.ci/run` starts; `npm test` needs no such program.
 */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { tempDir } from './temp-dir.ts'
import type { IssuedCertificate } from './tls.ts'

export interface DockerRegistryOptions {
  /** Where content lies, as `<directory>/docker/registry/v2/…`. Not removed at the end. */
  readonly directory: string
  readonly tls?: IssuedCertificate
  readonly users?: Readonly<Record<string, string>>
  readonly deleteEnabled?: boolean
  readonly readOnly?: boolean
}

export interface DockerRegistry extends AsyncDisposable {
  /** `127.0.0.1:34567`. */
  readonly host: string
  /** With scheme, without path. */
  readonly url: string
  /** What it has logged, one line each; access log included. */
  readonly log: readonly string[]
}

export async function startDockerRegistry(options: DockerRegistryOptions): Promise<DockerRegistry> {
  const dir = await tempDir()
  const config = JSON.stringify(await configuration(options, dir.path))
  await writeFile(dir.join('config.yml'), config)
  const child = spawn('docker-registry', ['serve', dir.join('config.yml')], { stdio: ['ignore', 'pipe', 'pipe'] })
  const exited = once(child, 'exit')
  const log: string[] = []
  async function stop(): Promise<void> {
    if (child.kill('SIGKILL')) await exited
    await dir[Symbol.asyncDispose]()
  }
  try {
    const port = await Promise.race([
      listeningPort(child.stderr, log),
      exited.then(() => Promise.reject(new Error(`docker-registry ended:\n${log.join('\n')}`))),
    ])
    void keep(child.stdout, log)
    const host = `127.0.0.1:${port}`
    return { host, url: `${options.tls === undefined ? 'http' : 'https'}://${host}`, log, [Symbol.asyncDispose]: stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function configuration(options: DockerRegistryOptions, directory: string): Promise<unknown> {
  const { tls, users, deleteEnabled = true, readOnly = false } = options
  const at = (name: string): string => `${directory}/${name}`
  if (tls !== undefined) {
    await writeFile(at('tls.crt'), tls.cert)
    await writeFile(at('tls.key'), tls.key, { mode: 0o600 })
  }
  if (users !== undefined) await writeFile(at('htpasswd'), htpasswd(users))
  return {
    version: 0.1,
    log: { level: 'info' },
    storage: {
      filesystem: { rootdirectory: options.directory },
      cache: { blobdescriptor: 'inmemory' },
      delete: { enabled: deleteEnabled },
      maintenance: { uploadpurging: { enabled: false }, readonly: { enabled: readOnly } },
    },
    http: {
      addr: '127.0.0.1:0',
      ...(tls !== undefined && { tls: { certificate: at('tls.crt'), key: at('tls.key') } }),
    },
    ...(users !== undefined && { auth: { htpasswd: { realm: 'test', path: at('htpasswd') } } }),
  }
}

/** Apache's tool writes the bcrypt lines, the only form that the registry reads; the password is not in its arguments. */
function htpasswd(users: Readonly<Record<string, string>>): string {
  return Object.entries(users)
    .map(([name, password]) =>
      execFileSync('htpasswd', ['-niB', '-C', '4', name], { input: password, encoding: 'utf8' }).trim(),
    )
    .join('\n')
}

async function listeningPort(stderr: Readable, log: string[]): Promise<string> {
  return new Promise((resolve) => {
    createInterface(stderr).on('line', (line) => {
      log.push(line)
      const port = /listening on 127\.0\.0\.1:(?<port>\d+)/.exec(line)?.groups?.['port']
      if (port !== undefined) resolve(port)
    })
  })
}

async function keep(stream: Readable, log: string[]): Promise<void> {
  for await (const line of createInterface(stream)) log.push(line)
}
