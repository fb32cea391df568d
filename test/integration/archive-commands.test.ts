/** `archive list|verify|extract|serve`, as a shell starts them, on archives with and without an index. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { openLayout } from '../../src/content/oci-layout.ts'
import { digestOf } from '../../src/oci/digest.ts'
import { randomImage, randomIndex } from '../support/random-image.ts'
import { runAirlift } from '../support/run-airlift.ts'
import { serveArchive } from '../support/serve-archive.ts'
import { imageEntries, tarFile } from '../support/tar-file.ts'
import { tempDir } from '../support/temp-dir.ts'
import type { TempDir } from '../support/temp-dir.ts'
import { planArchive, writeArchive } from '../support/written-archive.ts'
import type { NamedImage } from '../support/written-archive.ts'

const { signal } = new AbortController()
const ONE: NamedImage = { repository: 'team/one', image: randomImage({ seed: 1 }) }
const MULTI: NamedImage = {
  repository: 'team/multi',
  image: randomIndex({
    seed: 2,
    platforms: [
      { os: 'linux', architecture: 'amd64' },
      { os: 'linux', architecture: 'arm64' },
    ],
  }),
}
const LARGE: NamedImage = { repository: 'team/large', image: randomImage({ seed: 3, bytes: 3_000_000 }) }

const WRITERS: readonly (readonly [string, (dir: TempDir) => Promise<void>])[] = [
  [
    'with an index',
    async (dir) => void (await writeArchive(dir.path, planArchive([ONE, MULTI, LARGE], { volumeBytes: 4_000_000 }))),
  ],
  [
    'without an index',
    async (dir) => {
      const entries = [ONE, MULTI, LARGE].flatMap(({ repository, image }) =>
        imageEntries(image, { repository, tag: 'v1' }),
      )
      writeFileSync(dir.join('mirror_000001.tar'), tarFile(entries))
      return Promise.resolve()
    },
  ],
]

/** Digests of the layers of 3 MB in a volume, and where they begin. */
function largeLayers(volume: Buffer): readonly (readonly [string, number])[] {
  return [...LARGE.image.blobs]
    .filter(([, layer]) => layer.length > 1_000_000)
    .map(([digest, layer]) => [digest, volume.indexOf(layer)] as const)
    .filter(([, at]) => at >= 0)
}

describe.each(WRITERS)('an archive %s', (_what, write) => {
  it('is listed', async () => {
    await using dir = await tempDir()
    await write(dir)
    const run = await runAirlift(['archive', 'list', dir.path, '--output', 'json'], { home: dir.join('home') })
    const table = await runAirlift(['archive', 'list', `file://${dir.path}`], { home: dir.join('home') })

    expect(run.exitCode).toBe(0)
    const { images, problems } = JSON.parse(run.lines.join('\n')) as { images: Record<string, unknown>[]; problems: [] }
    expect(problems).toEqual([])
    expect(images.map(({ id, digest, elsewhere, contents }) => [id, digest, elsewhere, contents])).toEqual(
      [LARGE, MULTI, ONE].map(({ repository, image: { manifest, manifests, blobs } }) => [
        `${repository}:v1`,
        manifest.descriptor.digest,
        0,
        manifests.length + blobs.size,
      ]),
    )
    expect(table.lines.filter((line) => line.startsWith('team/'))).toHaveLength(3)
    expect(table.lines.at(-1)).toMatch(/^3 images in \d volumes?, 5\.\d MiB$/)
  })

  it('is verified, and damage ends with exit code 1', async () => {
    await using dir = await tempDir()
    await write(dir)
    const whole = await runAirlift(['archive', 'verify', dir.path], { home: dir.join('home') })
    const path = dir.join('mirror_000001.tar')
    const bytes = readFileSync(path)
    const [digest, at] = largeLayers(bytes)[0] ?? ['', 0]
    bytes[at + 1_000_000] = (bytes[at + 1_000_000] ?? 0) ^ 1
    writeFileSync(path, bytes)
    const damaged = await runAirlift(['archive', 'verify', dir.path], { home: dir.join('home') })
    const json = await runAirlift(['archive', 'verify', dir.path, '--output', 'json'], { home: dir.join('home') })

    expect([whole.exitCode, whole.lines.at(-1)]).toEqual([0, '3 images, nothing damaged'])
    expect(damaged.exitCode).toBe(1)
    expect(damaged.stderr).toContain(`damaged ${path}: ${digest}: costs team/large:v1`)
    expect(damaged.lines).toContain('1 damaged entry, 1 of 3 images affected')
    expect(JSON.parse(json.lines.at(-1) ?? '')).toMatchObject({
      type: 'verify-finished',
      damaged: [{ volume: path, digest, images: ['team/large:v1'] }],
    })
  })

  it('gives an image as a layout', async () => {
    await using dir = await tempDir()
    await write(dir)
    const run = await runAirlift(['archive', 'extract', dir.path, 'team/multi:v1', 'oci:out'], {
      home: dir.join('home'),
    })
    const layout = await openLayout(dir.join('home', 'out'), { signal })

    expect([run.exitCode, run.stderr]).toEqual([0, ''])
    expect((await layout.manifest('', { signal }))?.descriptor.digest).toBe(MULTI.image.manifest.descriptor.digest)
  })

  it('is served as a registry that is only read', async () => {
    await using dir = await tempDir()
    await write(dir)
    await using server = await serveArchive([dir.path], { home: dir.join('home') })
    const get = (path: string, init?: RequestInit): Promise<Response> => fetch(`${server.url}/v2/${path}`, init)

    for (const { repository, image } of [ONE, MULTI, LARGE]) {
      const manifest = await get(`${repository}/manifests/v1`)
      expect(manifest.headers.get('docker-content-digest')).toBe(image.manifest.descriptor.digest)
      for (const [digest, bytes] of image.blobs) {
        const answer = await get(`${repository}/blobs/${digest}`)
        expect(digestOf(new Uint8Array(await answer.arrayBuffer()))).toBe(digest)
        const range = await get(`${repository}/blobs/${digest}`, { headers: { range: 'bytes=10-19' } })
        expect(Buffer.from(await range.arrayBuffer())).toEqual(bytes.subarray(10, 20))
      }
    }
    expect(await (await get('team/one/tags/list')).json()).toEqual({ name: 'team/one', tags: ['v1'] })
    const [alien] = [...LARGE.image.blobs.keys()]
    expect((await get(`team/one/blobs/${alien}`)).status).toBe(404)
    expect((await get('team/none/manifests/v1')).status).toBe(404)
    expect((await get('team/one/blobs/uploads/', { method: 'POST' })).status).toBe(405)
    expect((await get('team/one/manifests/v1', { method: 'DELETE' })).status).toBe(405)
  })
})

it('refuses to serve or extract from an archive that lacks a volume, unless it is told to', async () => {
  await using dir = await tempDir()
  await writeArchive(dir.path, planArchive([ONE, MULTI, LARGE], { volumeBytes: 4_000_000 }))
  renameSync(dir.join('mirror_000002.tar'), dir.join('elsewhere'))
  const words = ['archive', 'extract', dir.path, 'team/one:v1']
  const refused = await runAirlift([...words, 'oci:a'], { home: dir.join('home') })
  const partial = await runAirlift([...words, 'oci:b', '--partial'], { home: dir.join('home') })
  const listed = await runAirlift(['archive', 'list', dir.path], { home: dir.join('home') })

  expect(refused.exitCode).toBe(1)
  expect(refused.stderr).toMatch(/error \[ARCHIVE_INCOMPLETE\]: .*mirror_000002\.tar of archive 1 .* is missing/)
  expect(refused.stderr).toContain('--partial')
  expect(partial.exitCode).toBe(0)
  expect([listed.exitCode, listed.lines.at(-1)]).toEqual([0, expect.stringContaining('mirror_000002.tar')])
})

it.each([
  [['list'], 'no directory with an archive is named'],
  [['extract', '/tmp', 'x'], 'extract needs a directory, an image and oci:OUT'],
  [['serve', '/tmp', '--tls-cert', 'x'], '--tls-cert and --tls-key belong together'],
  [['list', '/tmp', '--output', 'yaml'], "--output must be 'json'"],
  [['nothing'], "too many arguments for 'archive'"],
])('says what is wrong with archive %j', async (words, message) => {
  await using dir = await tempDir()
  const run = await runAirlift(['archive', ...words], { home: dir.join('home') })

  expect(run.exitCode).toBe(1)
  expect(run.stderr).toContain(message)
})
