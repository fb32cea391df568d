import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { describe, expect, it } from 'vitest'
import { tempDir } from '../../test/support/temp-dir.ts'
import type { TempDir } from '../../test/support/temp-dir.ts'
import { CredentialStore } from './credential-store.ts'

const { signal } = new AbortController()
const entry = (user: string): object => ({ auth: Buffer.from(`${user}:pw`).toString('base64') })

async function write(dir: TempDir, files: Readonly<Record<string, unknown>>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(dir.join(name)), { recursive: true })
    await writeFile(dir.join(name), typeof content === 'string' ? content : JSON.stringify(content))
  }
}

/** A helper that answers as the shell script `body` says; `$host` is what it was asked for. */
async function writeHelper(dir: TempDir, name: string, body: string): Promise<void> {
  const file = `bin/docker-credential-${name}`
  await write(dir, { [file]: `#!/bin/sh\n[ "$1" = get ] || exit 9\nread -r host\n${body}\n` })
  await chmod(dir.join(file), 0o755)
}

const ANSWER = `printf '{"ServerURL":"%s","Username":"helper-%s","Secret":"pw"}' "$host" "$host"`

interface Setup {
  readonly authFile?: string
  readonly env?: Readonly<Record<string, string>>
  readonly credentialHelpers?: readonly string[]
  readonly helperTimeoutMs?: number
}

function storeIn(
  dir: TempDir,
  { env = {}, credentialHelpers = ['containers-auth.json'], ...rest }: Setup = {},
): CredentialStore {
  return new CredentialStore({
    home: dir.join('home'),
    env: { XDG_RUNTIME_DIR: dir.join('run'), PATH: `${dir.join('bin')}:/usr/bin:/bin`, ...env },
    credentialHelpers,
    ...rest,
  })
}

async function userFor(store: CredentialStore, registry: string, repository = 'a/b'): Promise<string | undefined> {
  const found = await store.lookup({ registry, repository }, { signal })
  return found?.kind === 'basic' ? found.username : found?.token
}

describe('CredentialStore', () => {
  it('asks the files in their order, the first with a match winning', async () => {
    await using dir = await tempDir()
    await write(dir, {
      'run/containers/auth.json': { auths: { '1.io': entry('run') } },
      'home/.config/containers/auth.json': { auths: { '1.io/a': entry('config'), '2.io': entry('config') } },
      'home/.docker/config.json': { auths: { '2.io': entry('docker'), '3.io': entry('docker') } },
      'home/.dockercfg': { '3.io': entry('legacy'), 'https://4.io/v1/': entry('legacy') },
    })
    const store = storeIn(dir)

    expect(await Promise.all(['1.io', '2.io', '3.io', '4.io', '5.io'].map((name) => userFor(store, name)))).toEqual([
      'run',
      'config',
      'docker',
      'legacy',
      undefined,
    ])
    expect(store.lookedIn()).toEqual([
      dir.join('run/containers/auth.json'),
      dir.join('home/.config/containers/auth.json'),
      dir.join('home/.docker/config.json'),
      dir.join('home/.dockercfg'),
    ])
  })

  it('follows XDG_CONFIG_HOME and DOCKER_CONFIG, and the user ID without XDG_RUNTIME_DIR', async () => {
    await using dir = await tempDir()
    const env = { XDG_RUNTIME_DIR: '', XDG_CONFIG_HOME: '/xdg', DOCKER_CONFIG: '/docker' }
    const store = new CredentialStore({ home: '/home/me', env, uid: 1234, credentialHelpers: ['containers-auth.json'] })

    expect(store.lookedIn()).toEqual([
      '/run/containers/1234/auth.json',
      '/xdg/containers/auth.json',
      '/docker/config.json',
      '/home/me/.dockercfg',
    ])
    expect(await userFor(storeIn(dir, { env: { XDG_RUNTIME_DIR: dir.join('none') } }), 'r.io')).toBeUndefined()
  })

  it.each([
    ['--authfile', (path: string): Setup => ({ authFile: path, env: { REGISTRY_AUTH_FILE: '/none' } })],
    ['REGISTRY_AUTH_FILE', (path: string): Setup => ({ env: { REGISTRY_AUTH_FILE: path } })],
  ])('asks no other file than the one of %s', async (_, setup) => {
    await using dir = await tempDir()
    await write(dir, {
      'run/containers/auth.json': { auths: { '1.io': entry('run') } },
      'mine.json': { auths: { '2.io': entry('mine') } },
    })
    const store = storeIn(dir, setup(dir.join('mine.json')))

    expect(await userFor(store, '1.io')).toBeUndefined()
    expect(await userFor(store, '2.io')).toBe('mine')
    expect(store.lookedIn()).toEqual([dir.join('mine.json')])
  })

  it('refuses a named file that does not exist, and any file that is empty', async () => {
    await using dir = await tempDir()
    await write(dir, { 'run/containers/auth.json': '' })

    await expect(userFor(storeIn(dir, { authFile: dir.join('none') }), 'r.io')).rejects.toMatchObject({
      code: 'AUTH_FILE_INVALID',
      message: expect.stringContaining('no such file'),
    })
    await expect(userFor(storeIn(dir), 'r.io')).rejects.toMatchObject({ code: 'AUTH_FILE_INVALID' })
  })

  it('prefers what was typed, for exactly that host', async () => {
    await using dir = await tempDir()
    await write(dir, { 'run/containers/auth.json': { auths: { 'r.io': entry('file'), 'r.io:5000': entry('file') } } })
    const store = storeIn(dir)

    store.add('r.io', { kind: 'basic', username: 'typed', password: 'pw' })

    expect(await userFor(store, 'r.io')).toBe('typed')
    expect(await userFor(store, 'r.io:5000')).toBe('file')
  })

  it('runs the helper that credHelpers names for exactly the host', async () => {
    await using dir = await tempDir()
    await writeHelper(dir, 'one', ANSWER)
    await write(dir, {
      'run/containers/auth.json': { auths: { 'r.io/a': entry('file') }, credHelpers: { 'r.io': 'one' } },
    })
    const store = storeIn(dir)

    expect(await userFor(store, 'r.io')).toBe('helper-r.io')
    expect(await userFor(store, 'r.io:5000')).toBeUndefined()
    expect(store.lookedIn()).toContain('docker-credential-one')
  })

  it('runs the helper of credsStore where the file itself has nothing', async () => {
    await using dir = await tempDir()
    await writeHelper(dir, 'store', ANSWER)
    await write(dir, {
      'home/.docker/config.json': { auths: { 'r.io': {}, 's.io': entry('file') }, credsStore: 'store' },
    })
    const store = storeIn(dir)

    expect(await userFor(store, 'r.io')).toBe('helper-r.io')
    expect(await userFor(store, 's.io')).toBe('file')
    expect(await userFor(store, 'docker.io')).toBe('helper-https://index.docker.io/v1/')
  })

  it('goes on where the helper of credsStore is not installed', async () => {
    await using dir = await tempDir()
    await write(dir, {
      'home/.docker/config.json': { auths: {}, credsStore: 'desktop' },
      'home/.dockercfg': { 'r.io': entry('legacy') },
    })

    expect(await userFor(storeIn(dir), 'r.io')).toBe('legacy')
  })

  it('asks the helpers of registries.conf in their order, by host', async () => {
    await using dir = await tempDir()
    await writeHelper(dir, 'none', 'echo "credentials not found in native keychain"; exit 1')
    await writeHelper(dir, 'token', `echo '{"Username":"<token>","Secret":"t0ken"}'`)
    await write(dir, { 'run/containers/auth.json': { auths: { 'r.io': entry('file') } } })

    const helpers = (...credentialHelpers: readonly string[]): CredentialStore => storeIn(dir, { credentialHelpers })
    expect(await userFor(helpers('none', 'containers-auth.json', 'token'), 'r.io')).toBe('file')
    expect(await userFor(helpers('none', 'token', 'containers-auth.json'), 'r.io')).toBe('t0ken')
    expect(await userFor(helpers('none'), 'r.io')).toBeUndefined()
    expect(await userFor(helpers(), 'r.io')).toBeUndefined()
  })

  it('reports the failure of a helper only where no other knows a credential', async () => {
    await using dir = await tempDir()
    await writeHelper(dir, 'broken', 'echo "s3cret details"; exit 3')
    await write(dir, { 'run/containers/auth.json': { auths: { 'r.io': entry('file') } } })
    const store = storeIn(dir, { credentialHelpers: ['broken', 'containers-auth.json'] })

    expect(await userFor(store, 'r.io')).toBe('file')
    await expect(userFor(store, 's.io')).rejects.toMatchObject({
      code: 'CREDENTIAL_HELPER_FAILED',
      message: 'asking docker-credential-broken for credentials of s.io: it ended with exit code 3',
    })
  })

  it.each([
    ['is not installed', undefined, 'not installed'],
    ['answers no JSON', 'echo "s3cret"', 'its answer is not the JSON document'],
    ['answers without end', 'while :; do echo s3cret; done', 'longer than'],
    ['takes too long', 'exec sleep 60', 'no answer within 0.2 s'],
  ])('refuses a helper that %s', async (_, body, problem) => {
    await using dir = await tempDir()
    if (body !== undefined) await writeHelper(dir, 'bad', body)
    await write(dir, { 'run/containers/auth.json': { credHelpers: { 'r.io': 'bad' } } })
    const limits = problem.startsWith('no answer') ? { helperTimeoutMs: 200 } : {}

    const failure = userFor(storeIn(dir, limits), 'r.io')

    await expect(failure).rejects.toMatchObject({ code: 'CREDENTIAL_HELPER_FAILED' })
    await expect(failure).rejects.toThrow(problem)
    await expect(failure).rejects.not.toThrow('s3cret')
  })

  it('refuses a helper whose name could name another program', async () => {
    await using dir = await tempDir()
    await write(dir, { 'run/containers/auth.json': { credHelpers: { 'r.io': '../../bin/sh' } } })

    await expect(userFor(storeIn(dir), 'r.io')).rejects.toMatchObject({ code: 'CREDENTIAL_HELPER_FAILED' })
  })

  it('runs a helper once for all that ask at the same time, and again after one was cancelled', async () => {
    await using dir = await tempDir()
    await writeHelper(dir, 'one', `echo asked >> ${dir.join('log')}; ${ANSWER}`)
    const store = storeIn(dir, { credentialHelpers: ['one'] })
    const stop = new AbortController()

    const cancelled = expect(store.lookup({ registry: 'r.io' }, { signal: stop.signal })).rejects.toThrow('stopped')
    stop.abort(new Error('stopped'))
    const users = await Promise.all(['a', 'b', 'c'].map((repository) => userFor(store, 'r.io', repository)))

    await cancelled
    expect(users).toEqual(['helper-r.io', 'helper-r.io', 'helper-r.io'])
    const log = await readFile(dir.join('log'), 'utf8')
    expect(log.match(/asked/g)?.length).toBeLessThanOrEqual(2)
  })

  it('ends a helper when the run is cancelled', async () => {
    await using dir = await tempDir()
    await writeHelper(dir, 'slow', 'exec sleep 60')
    const stop = new AbortController()
    const store = storeIn(dir, { credentialHelpers: ['slow'] })

    const lookup = store.lookup({ registry: 'r.io' }, { signal: stop.signal })
    stop.abort(new Error('stopped'))

    await expect(lookup).rejects.toThrow('stopped')
  })
})
