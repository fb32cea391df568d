/** Image sets over a disk: archives that follow each other, parts of them, and what lacks. */
import { readFileSync } from 'node:fs'
import { copyFile, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openArchive } from '../../src/archive/open-archive.ts'
import type { TransferEvent } from '../../src/transfer/events.ts'
import { mirrorToMirror } from '../../src/workflow/mirror-to-mirror.ts'
import type { RunResult } from '../../src/workflow/run-result.ts'
import { startSmallSet } from '../faults/small-set.ts'
import { optionsFor, plan, toDisk, toMirror, toRegistry } from '../support/mirror-run.ts'
import { startOurRegistry } from '../support/our-registry.ts'
import type { OurRegistry } from '../support/our-registry.ts'
import { pushImage } from '../support/push-image.ts'
import { randomImage } from '../support/random-image.ts'
import type { BuiltImage } from '../support/random-image.ts'
import { storedContent } from '../support/stored-content.ts'
import { tempDir } from '../support/temp-dir.ts'
import type { TempDir } from '../support/temp-dir.ts'
import { writeImageSet } from '../support/user-files.ts'

const signal = new AbortController().signal
const DAYS = ['2026-01-01T10:00:00Z', '2026-01-02T10:00:00Z', '2026-01-03T10:00:00Z'] as const

interface World extends AsyncDisposable {
  readonly dir: TempDir
  readonly source: OurRegistry
  readonly images: Readonly<Record<'a' | 'b', BuiltImage>>
  readonly both: string
  readonly onlyA: string
}

/** Two images with a layer in common, and configurations that name both or one. */
async function startWorld(): Promise<World> {
  await using stack = new AsyncDisposableStack()
  const dir = stack.use(await tempDir())
  const source = stack.use(await startOurRegistry(dir.join('source')))
  const shape = { layers: 2, sharedLayers: 1, bytes: 50_000 }
  const images = { a: randomImage({ ...shape, seed: 1 }), b: randomImage({ ...shape, seed: 2 }) }
  for (const [name, image] of Object.entries(images)) await pushImage(source.url, `team/${name}`, { image, tag: 'v1' })
  const both = await writeImageSet(dir.join('both.yaml'), [`${source.host}/team/a:v1`, `${source.host}/team/b:v1`])
  const onlyA = await writeImageSet(dir.join('a.yaml'), [`${source.host}/team/a:v1`])
  const owned = stack.move()
  return { dir, source, images, both, onlyA, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

const namesOf = ({ volumes }: RunResult): readonly string[] =>
  (volumes ?? []).map(({ path }) => path.split('/').at(-1) ?? '')
const idsOf = ({ outcome }: RunResult): readonly string[] =>
  (outcome?.copied ?? []).map(({ id }) => id.replace(/^[^/]+\//, ''))
const failuresOf = ({ outcome }: RunResult): unknown =>
  (outcome?.failures ?? []).map(({ code, message }) => [code, message])

async function carry(from: string, names: readonly string[], to: string): Promise<string> {
  await mkdir(to, { recursive: true })
  for (const name of names) await copyFile(join(from, name), join(to, name))
  return to
}

describe('mirror to disk', () => {
  it('brings the same as mirror to mirror, with the connected side gone', async () => {
    await using dir = await tempDir()
    await using direct = await startOurRegistry(dir.join('direct'))
    await using target = await startOurRegistry(dir.join('target'))
    const root = dir.join('archive')
    let config = ''
    {
      await using set = await startSmallSet(dir)
      config = set.config
      const options = { ...optionsFor(config, dir.join('m2m')), destination: toRegistry(direct) }
      const context = {
        env: { HOME: dir.join('home') },
        cwd: dir.path,
        now: () => new Date(0),
        onEvent: () => undefined,
      }
      expect(await mirrorToMirror(options, { ...context, signal })).toMatchObject({ exitCode: 0 })
      expect(await toDisk(config, root)).toMatchObject({ exitCode: 0 })
    }

    expect(await toMirror(config, [root], target)).toMatchObject({ exitCode: 0 })

    expect(await storedContent(target.directory)).toEqual(await storedContent(direct.directory))
    expect(await readdir(join(root, 'working-dir/cluster-resources'))).toEqual(['itms-oc-mirror.yaml'])
  })

  it('writes no volume where nothing is new', async () => {
    await using world = await startWorld()
    const root = world.dir.join('archive')
    const first = await toDisk(world.both, root, { now: DAYS[0] })
    world.source.requests.length = 0

    const second = await toDisk(world.both, root, { now: DAYS[1] })

    expect([namesOf(first), namesOf(second)]).toEqual([['mirror_000001.tar'], []])
    expect(world.source.requests.filter((line) => line.includes('/blobs/'))).toEqual([])
    expect(second).toMatchObject({ exitCode: 0, outcome: { copied: [{ state: 'present' }, { state: 'present' }] } })
  })

  it('adds what is new in volumes of its own, numbered on from those that were carried away', async () => {
    await using world = await startWorld()
    const { dir, onlyA, both, images } = world
    const root = dir.join('archive')
    await toDisk(onlyA, root, { now: DAYS[0] })
    await rename(join(root, 'mirror_000001.tar'), dir.join('mirror_000001.tar'))

    const { volumes } = await toDisk(both, root, { now: DAYS[1] })

    expect(volumes?.map(({ path }) => path)).toEqual([join(root, 'mirror_000002.tar')])
    await using archive = await openArchive([root], { signal })
    const shared = [...images.a.blobs.keys()].filter((digest) => images.b.blobs.has(digest))
    expect(new Set(archive.digests())).toEqual(
      new Set([...images.b.manifests.map(({ descriptor }) => descriptor.digest), ...images.b.blobs.keys()]).difference(
        new Set(shared),
      ),
    )
    expect(archive.sets).toMatchObject([{ archive: { sequence: 2, continues: { sequence: 1 } }, missing: [] }])
  })

  it('makes good what a run that was killed at its very end did not note', async () => {
    await using world = await startWorld()
    const root = world.dir.join('archive')
    let pinned = Buffer.alloc(0)
    const isClosing = (event: TransferEvent): boolean => event.type === 'phase' && event.phase === 'close'
    const onEvent = (event: TransferEvent): void => {
      if (isClosing(event)) pinned = readFileSync(join(root, '.airlift/run.json'))
    }
    await toDisk(world.both, root, { now: DAYS[0], onEvent })
    const history = await readFile(join(root, 'working-dir/.history', `.history-${DAYS[0]}`), 'utf8')
    // The volumes have their names, and nothing else has been written yet.
    await rm(join(root, 'working-dir/.history'), { recursive: true })
    await rm(join(root, 'working-dir/airlift/archives.json'))
    await mkdir(join(root, '.airlift'), { recursive: true })
    await writeFile(join(root, '.airlift/run.json'), pinned)

    const { exitCode, volumes } = await toDisk(world.both, root, { now: DAYS[1] })

    expect({ exitCode, volumes }).toEqual({ exitCode: 0, volumes: [] })
    expect(await readFile(join(root, 'working-dir/.history', `.history-${DAYS[0]}`), 'utf8')).toBe(history)
  })

  it('plans without what earlier archives hold', async () => {
    await using world = await startWorld()
    const root = world.dir.join('archive')
    await toDisk(world.onlyA, root, { now: DAYS[0] })

    const result = await plan(world.both, root, { now: DAYS[1] })

    expect(result.plan.totals).toMatchObject({ images: 2, present: 1 })
    const missing = await readFile(join(root, 'working-dir/dry-run/missing.txt'), 'utf8')
    expect(missing).toBe(`docker://${world.source.host}/team/b:v1=docker://localhost:55000/team/b:v1\n`)
    expect(await readdir(root)).not.toContain('.airlift')
  })

  it('never touches a volume that lies there, whoever wrote it', async () => {
    await using world = await startWorld()
    const root = world.dir.join('archive')
    await mkdir(root)
    await writeFile(join(root, 'mirror_000007.tar'), 'of somebody')

    expect(namesOf(await toDisk(world.both, root))).toEqual(['mirror_000008.tar'])
    expect(await readFile(join(root, 'mirror_000007.tar'), 'utf8')).toBe('of somebody')
  })

  it('archives again what is new since a day', async () => {
    await using world = await startWorld()
    const root = world.dir.join('archive')
    await toDisk(world.onlyA, root, { now: DAYS[0] })
    const second = await toDisk(world.both, root, { now: DAYS[1] })

    const third = await toDisk(world.both, root, { now: DAYS[2], since: '2026-01-02' })

    expect(namesOf(third)).toEqual(['mirror_000003.tar'])
    await using again = await openArchive([join(root, 'mirror_000003.tar')], { signal })
    await using before = await openArchive([join(root, 'mirror_000002.tar')], { signal })
    expect(new Set(again.digests())).toEqual(new Set(before.digests()))
    expect(again.sets).toMatchObject([{ archive: { sequence: 3, continues: { sequence: 1 } } }])
    expect(idsOf(third)).toEqual(idsOf(second))
  })

  it('completes the archive without an image that fails, and brings that one alone with the next', async () => {
    await using world = await startWorld()
    const { dir, source, images, both } = world
    const root = dir.join('archive')
    const own = [...images.b.blobs.keys()].find((digest) => !images.a.blobs.has(digest)) ?? ''
    const hex = own.slice('sha256:'.length)
    const file = join(source.directory, 'docker/registry/v2/blobs/sha256', hex.slice(0, 2), hex, 'data')
    await rename(file, `${file}.away`)

    const first = await toDisk(both, root, { now: DAYS[0] })
    await rename(`${file}.away`, file)
    const second = await toDisk(both, root, { now: DAYS[1] })

    await using target = await startOurRegistry(dir.join('target'))
    const early = await toMirror(both, [await carry(root, namesOf(first), dir.join('far'))], target)
    expect(failuresOf(early)).toEqual([
      ['ARCHIVE_INCOMPLETE', 'team/b:v1 is not in the archives given: it failed when they were made'],
    ])
    expect([first.exitCode, idsOf(first), namesOf(first)]).toEqual([8, ['team/a:v1'], ['mirror_000001.tar']])
    expect([second.exitCode, namesOf(second)]).toEqual([0, ['mirror_000002.tar']])
    expect(second.outcome?.counts.blobsFetched).toBeLessThanOrEqual(2)
    expect(await toMirror(both, [root], target)).toMatchObject({ exitCode: 0, outcome: { copied: [{}, {}] } })
  })

  it('writes nothing where every image fails, and plans anew the next time', async () => {
    await using world = await startWorld()
    const root = world.dir.join('archive')
    const blobs = join(world.source.directory, 'docker/registry/v2/blobs')
    const manifests = new Set(Object.values(world.images).map(({ manifest }) => manifest.descriptor.digest.slice(7)))
    for (const name of await readdir(blobs, { recursive: true }))
      if (name.endsWith('/data') && !manifests.has(name.split('/')[2] as never)) await rm(join(blobs, name))

    const { exitCode, volumes } = await toDisk(world.both, root)

    expect({ exitCode, volumes }).toEqual({ exitCode: 8, volumes: [] })
    expect((await readdir(join(root, '.airlift'))).includes('run.json')).toBe(false)
  })
})

describe('disk to mirror', () => {
  /** Two archives that follow each other, each carried into a directory of its own. */
  async function chain({ dir, onlyA, both }: World): Promise<readonly [string, string]> {
    const root = dir.join('archive')
    const first = await toDisk(onlyA, root, { now: DAYS[0] })
    const second = await toDisk(both, root, { now: DAYS[1] })
    return [await carry(root, namesOf(first), dir.join('far-1')), await carry(root, namesOf(second), dir.join('far-2'))]
  }

  it('pushes from archives that continue each other, in several directories', async () => {
    await using world = await startWorld()
    const far = await chain(world)
    await using target = await startOurRegistry(world.dir.join('target'))

    expect(await toMirror(world.both, [...far], target)).toMatchObject({ exitCode: 0, outcome: { copied: [{}, {}] } })
  })

  it('pushes the second alone where the target has what the first held', async () => {
    await using world = await startWorld()
    const [first, second] = await chain(world)
    await using target = await startOurRegistry(world.dir.join('target'))
    await toMirror(world.onlyA, [first], target)

    const result = await toMirror(world.both, [second], target)

    expect([result.exitCode, idsOf(result)]).toEqual([0, ['ns/team/a:v1', 'ns/team/b:v1']])
  })

  it('says which archive would hold what lacks, and pushes the others', async () => {
    await using world = await startWorld()
    const [, second] = await chain(world)
    const config = await writeImageSet(world.dir.join('three.yaml'), [
      ...['a', 'b'].map((name) => `${world.source.host}/team/${name}:v1`),
      `${world.source.host}/team/never:v1`,
    ])
    await using target = await startOurRegistry(world.dir.join('target'))

    const result = await toMirror(config, [second], target)

    expect(result.exitCode).toBe(8)
    expect(failuresOf(result)).toEqual(
      expect.arrayContaining([
        ['BLOB_UNKNOWN', expect.stringContaining('archive 1')],
        ['ARCHIVE_INCOMPLETE', 'team/never:v1 is in none of the archives given'],
      ]),
    )
  })

  it('plans from the archive alone, and maps from where the original would have it', async () => {
    await using world = await startWorld()
    const root = world.dir.join('archive')
    await toDisk(world.onlyA, root)
    world.source.requests.length = 0
    await using target = await startOurRegistry(world.dir.join('target'))
    const archived = { from: [root], outputs: [root], destination: toRegistry(target) }

    const result = await plan(world.onlyA, root, archived)

    expect(result.plan.totals).toMatchObject({ images: 1, present: 0 })
    expect(await readFile(join(root, 'working-dir/dry-run/mapping.txt'), 'utf8')).toBe(
      `docker://localhost:55000/team/a:v1=docker://${target.host}/ns/team/a:v1\n`,
    )
    expect([world.source.requests, target.requests.filter((line) => !/^(?:GET|HEAD) /.test(line))]).toEqual([[], []])
  })

  it('mirrors what a smaller configuration names', async () => {
    await using world = await startWorld()
    const root = world.dir.join('archive')
    await toDisk(world.both, root)
    await using target = await startOurRegistry(world.dir.join('target'))

    expect(idsOf(await toMirror(world.onlyA, [root], target))).toEqual(['ns/team/a:v1'])
  })

  it('pushes nothing from an archive with a damaged volume, and what is whole with partial', async () => {
    await using world = await startWorld()
    const far = await chain(world)
    const volume = join(far[0], 'mirror_000001.tar')
    const bytes = await readFile(volume)
    await writeFile(volume, bytes.subarray(0, bytes.length - 40_000))
    await using target = await startOurRegistry(world.dir.join('target'))

    await expect(toMirror(world.both, [...far], target)).rejects.toMatchObject({ code: 'ARCHIVE_INCOMPLETE' })
    expect(target.requests).toEqual([])
    expect(await toMirror(world.both, [...far], target, { partial: true })).toMatchObject({ exitCode: 8 })
  })

  it('writes to the first directory that takes it, and leaves read-only media alone', async () => {
    await using world = await startWorld()
    const far = await chain(world)
    // What a read-only file system answers to root, too, cannot be had here: a file stands where the directory would.
    await writeFile(join(far[0], 'working-dir'), '')
    await using target = await startOurRegistry(world.dir.join('target'))

    await toMirror(world.both, [...far], target)
    await expect(toMirror(world.both, [far[0]], target)).rejects.toMatchObject({
      code: 'DISK_FAILED',
      hint: expect.stringContaining('--output-dir'),
    })
    await toMirror(world.both, [far[0]], target, { outputs: [world.dir.join('out')] })

    const there = await readdir(join(far[1], 'working-dir'))
    expect(there).toEqual(
      expect.arrayContaining(['cluster-resources', 'logs', 'disc_pinned_2026-01-01T10:00:00Z.yaml']),
    )
    expect(await readdir(world.dir.join('out/working-dir'))).toEqual(
      expect.arrayContaining(['cluster-resources', 'logs']),
    )
  })

  it('blocks what was built on a blocked base when the archive was made', async () => {
    await using world = await startWorld()
    const root = world.dir.join('archive')
    const text = await readFile(world.both, 'utf8')
    await writeFile(world.both, `${text}  blockedImages:\n  - baseImage: ${world.source.host}/team/b:v1\n`)
    await toDisk(world.both, root)
    await using target = await startOurRegistry(world.dir.join('target'))

    const result = await toMirror(world.both, [root], target)

    expect([result.exitCode, idsOf(result), result.plan.blocked.map(({ image }) => image.tag)]).toEqual([
      0,
      ['ns/team/a:v1'],
      ['v1'],
    ])
  })
})
