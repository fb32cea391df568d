/** The bundle as a user gets it: one file in a folder where nothing else is. */
import { execFile } from 'node:child_process'
import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startRegistryServer } from '../../src/server/registry-server.ts'
import type { RunningServer } from '../../src/server/registry-server.ts'
import { buildBundle } from '../../tools/build.ts'
import { digestsOf, pushImage } from '../support/push-image.ts'
import { randomImage, randomIndex } from '../support/random-image.ts'
import type { BuiltImage } from '../support/random-image.ts'
import { tempDir } from '../support/temp-dir.ts'
import type { TempDir } from '../support/temp-dir.ts'
import { writeImageSet } from '../support/user-files.ts'

interface Run {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

const PLATFORMS = [
  { os: 'linux', architecture: 'amd64' },
  { os: 'linux', architecture: 'arm64' },
]
let directory: TempDir
let home: string

beforeAll(async () => {
  directory = await tempDir()
  home = join(directory.path, 'empty')
  await mkdir(home)
  await copyFile(await buildBundle(join(directory.path, 'build/airlift.cjs')), join(home, 'airlift.cjs'))
})
afterAll(async () => {
  await directory[Symbol.asyncDispose]()
})

async function airlift(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Run> {
  return await new Promise((resolve) => {
    const options = { cwd: home, env: { HOME: home, ...env } }
    execFile(process.execPath, ['airlift.cjs', ...args], options, (error, stdout, stderr) => {
      resolve({ exitCode: error === null ? 0 : Number(error.code), stdout, stderr })
    })
  })
}

describe('the bundle alone', () => {
  it('reads nothing beside it', async () => {
    expect(await readdir(home)).toEqual(['airlift.cjs'])

    expect(await airlift(['--help'])).toMatchObject({
      exitCode: 0,
      stderr: '',
      stdout: expect.stringMatching(/^Usage: airlift /),
    })
    expect(await airlift(['version', '--output', 'json'])).toMatchObject({ exitCode: 0, stderr: '' })
    expect(await readdir(home)).toEqual(['airlift.cjs'])
  })

  it('refuses what it cannot do, with the exit code of the original', async () => {
    expect(await airlift(['-c', 'isc.yaml', 'ftp://x'])).toEqual({
      exitCode: 1,
      stdout: '',
      stderr:
        'error [FLAG_INVALID]: destination must have either file:// (mirror to disk) or docker:// (diskToMirror) protocol prefixes\n' +
        'hint: "ftp://x" is neither a command nor a destination: see --help\n',
    })
  })
})

describe('the bundle between two registries', () => {
  const { signal } = new AbortController()
  const index = randomIndex({ seed: 1, platforms: PLATFORMS })
  const image = randomImage({ seed: 2, layers: 3, mediaTypes: 'docker' })
  let source: RunningServer
  let target: RunningServer
  let env: Readonly<Record<string, string>>

  beforeAll(async () => {
    const at = (name: string): string => join(directory.path, name)
    source = await startRegistryServer({ storage: at('source'), host: '127.0.0.1', port: 0, signal })
    target = await startRegistryServer({ storage: at('target'), host: '127.0.0.1', port: 0, signal })
    await pushImage(source.url, 'quay/ubi9/ubi', { image: index, tag: '9.6' })
    await pushImage(source.url, 'quay/tools/etcd', { image, tag: 'v1' })
    await writeImageSet(join(home, 'isc.yaml'), [
      'quay.io/ubi9/ubi:9.6',
      `quay.io/tools/etcd@${image.manifest.descriptor.digest}`,
    ])
    await writeFile(
      join(home, 'registries.conf'),
      [
        `[[registry]]\nprefix = "quay.io"\nlocation = "${source.registry}/quay"\ninsecure = true\n`,
        `[[registry]]\nlocation = "${target.registry}"\ninsecure = true\n`,
      ].join('\n'),
    )
    env = { CONTAINERS_REGISTRIES_CONF: join(home, 'registries.conf') }
  })
  afterAll(async () => {
    await source[Symbol.asyncDispose]()
    await target[Symbol.asyncDispose]()
  })

  const mirror = (...flags: readonly string[]): Promise<Run> =>
    airlift(['-c', 'isc.yaml', '--workspace', 'file://w', `docker://${target.registry}/ns`, ...flags], env)
  const stored = async (repository: string, built: BuiltImage): Promise<string[]> => {
    const missing: string[] = []
    for (const digest of digestsOf(built)) {
      const kind = built.blobs.has(digest as never) ? 'blobs' : 'manifests'
      const answer = await fetch(`${target.url}/v2/${repository}/${kind}/${digest}`, { method: 'HEAD' })
      if (!answer.ok) missing.push(digest)
    }
    return missing
  }

  it('plans without touching the target', async () => {
    const run = await mirror('--dry-run')

    expect(run).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('2 images (0 there already)') })
    expect(
      (await readFile(join(home, 'w/working-dir/dry-run/mapping.txt'), 'utf8')).trim().split('\n').toSorted(),
    ).toEqual([
      `docker://quay.io/tools/etcd@${image.manifest.descriptor.digest}=docker://${target.registry}/ns/tools/etcd:${image.manifest.descriptor.digest.replace(':', '-')}`,
      `docker://quay.io/ubi9/ubi:9.6=docker://${target.registry}/ns/ubi9/ubi:9.6`,
    ])
    expect((await fetch(`${target.url}/v2/ns/ubi9/ubi/tags/list`)).status).toBe(404)
  })

  it('mirrors, says so to people, and the second time to programs that all is there', async () => {
    const first = await mirror()
    const second = await mirror('--output', 'json')

    expect(first).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^copied +2 /m) })
    expect(await stored('ns/ubi9/ubi', index)).toEqual([])
    expect(await stored('ns/tools/etcd', image)).toEqual([])
    const records = second.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(records.filter(({ type }) => type === 'blob-started' || type === 'manifest-finished')).toEqual([])
    expect(records.at(-1)).toMatchObject({ type: 'run-finished', images: 2, failed: 0, exitCode: 0 })
    expect(second).toMatchObject({ exitCode: 0, stderr: '' })
  })

  it('exits with the bit of additional images where one fails, and copies the others', async () => {
    await writeImageSet(join(home, 'isc.yaml'), ['quay.io/ubi9/ubi:9.6', 'quay.io/gone/app:v1'])

    const run = await mirror()

    expect(run).toMatchObject({ exitCode: 8, stdout: expect.stringContaining('source [MANIFEST_UNKNOWN]') })
  })
})
