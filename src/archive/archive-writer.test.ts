import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { randomImage } from '../../test/support/random-image.ts'
import { tempDir } from '../../test/support/temp-dir.ts'
import { idOf, planArchive, writeArchive, writeImage } from '../../test/support/written-archive.ts'
import type { NamedImage, PlannedArchive } from '../../test/support/written-archive.ts'
import { digestOf } from '../oci/digest.ts'
import { openArchiveWriter } from './archive-writer.ts'
import type { ArchiveIndex } from './index-format.ts'
import { layoutArchive } from './layout.ts'
import { parseIndex } from './parse-index.ts'
import { unfinishedPlan } from './unfinished.ts'

const { signal } = new AbortController()
const ONE: NamedImage = { repository: 'team/one', image: randomImage({ seed: 1, layers: 3, sharedLayers: 1 }) }
const TWO: NamedImage = { repository: 'team/two', image: randomImage({ seed: 2, layers: 3, sharedLayers: 1 }) }
const THREE: NamedImage = { repository: 'team/three', image: randomImage({ seed: 3, layers: 2, bytes: 3_000_000 }) }
const PLAN = planArchive([ONE, TWO, THREE])
const SPLIT = planArchive([ONE, TWO, THREE], { volumeBytes: 4_000_000 })
const REST = { registry: 'localhost:55000' }

const volumesIn = (root: string): string[] => readdirSync(root).filter((name) => name.endsWith('.tar'))
const bytesIn = (root: string): string[] =>
  volumesIn(root).map((name) => `${name} ${digestOf(readFileSync(join(root, name)))}`)
const undisturbed = async (plan: PlannedArchive): Promise<string[]> => {
  await using dir = await tempDir()
  await writeArchive(dir.path, plan)
  return bytesIn(dir.path)
}
const listed = (path: string): string[] => execFileSync('tar', ['-tf', path], { encoding: 'utf8' }).trim().split('\n')
const unpacked = (path: string, name: string): Buffer => execFileSync('tar', ['-xOf', path, name], { maxBuffer: 1e8 })
const entryOf = (digest: string): string =>
  `docker/registry/v2/blobs/sha256/${digest.slice(7, 9)}/${digest.slice(7)}/data`

const indexOf = (path: string): ArchiveIndex => parseIndex(unpacked(path, 'airlift/index.json'))

/** Stops a run before its `n`-th step; `false` where it has no so many. */
async function stoppedAt(root: string, plan: PlannedArchive, n: number): Promise<boolean> {
  let left = n
  const stopped = new Error('stopped here')
  const onStep = (): void => {
    if (left === 0) throw stopped
    left -= 1
  }
  try {
    await writeArchive(root, plan, { onStep })
    return false
  } catch (error) {
    expect(error).toBe(stopped)
    return true
  }
}

/** A journal as it is after the machine was started again. */
function rebooted(journal: string): string {
  return journal
    .split('\n')
    .map((line) => {
      const text = line.slice(9).replace(/"boot":"[^"]*"/, '"boot":"another"')
      return text === '' ? '' : `${crc32(text).toString(16).padStart(8, '0')} ${text}`
    })
    .join('\n')
}

describe('openArchiveWriter', () => {
  it('writes volumes that the tar of the system reads, and leaves nothing else', async () => {
    await using dir = await tempDir()

    const closed = await writeArchive(dir.path, SPLIT)

    expect(readdirSync(dir.path)).toEqual(['mirror_000001.tar', 'mirror_000002.tar'])
    expect(closed.volumes.map(({ path, size }) => [path, size])).toEqual(
      volumesIn(dir.path).map((name) => [dir.join(name), statSync(dir.join(name)).size]),
    )
    expect(closed.lacking.size).toBe(0)
    const names = closed.volumes.flatMap(({ path }) => listed(path).map((name) => [name, path] as const))
    const paths = new Map(names)
    for (const { image } of [ONE, TWO, THREE]) {
      for (const [digest, bytes] of image.blobs) {
        expect(unpacked(paths.get(entryOf(digest)) ?? '', entryOf(digest)).equals(bytes)).toBe(true)
      }
      const { digest } = image.manifest.descriptor
      expect(digestOf(unpacked(paths.get(entryOf(digest)) ?? '', entryOf(digest)))).toBe(digest)
    }
    const link = 'docker/registry/v2/repositories/team/one/_manifests/tags/v1/current/link'
    expect(unpacked(closed.volumes[0]?.path ?? '', link).toString()).toBe(ONE.image.manifest.descriptor.digest)
  })

  it('writes the same bytes wherever it was stopped, and each blob once', async () => {
    const expected = await undisturbed(SPLIT)
    for (let n = 0; ; n += 1) {
      await using dir = await tempDir()
      if (!(await stoppedAt(dir.path, SPLIT, n))) break
      expect(unfinishedPlan(dir.path)).toBe(SPLIT.planDigest)
      expect(volumesIn(dir.path)).toEqual([])
      const steps: string[] = []
      await writeArchive(dir.path, SPLIT, { onStep: (digest) => steps.push(digest) })

      expect(bytesIn(dir.path)).toEqual(expected)
      expect(steps.length).toBeLessThanOrEqual(SPLIT.content.blobs.length - n + 3)
      expect(unfinishedPlan(dir.path)).toBeUndefined()
    }
    expect.hasAssertions()
  })

  it('closes again where it was stopped before the run had recorded the volumes', async () => {
    const expected = await undisturbed(SPLIT)
    await using dir = await tempDir()
    const stopped = new Error('stopped here')
    await expect(writeArchive(dir.path, SPLIT, { record: () => Promise.reject(stopped) })).rejects.toBe(stopped)
    expect(bytesIn(dir.path)).toEqual(expected)

    const recorded: number[] = []
    const record = async ({ volumes }: { readonly volumes: readonly unknown[] }): Promise<void> =>
      void recorded.push(volumes.length)
    await writeArchive(dir.path, SPLIT, { record, onStep: expectManifest })

    expect(bytesIn(dir.path)).toEqual(expected)
    expect(recorded).toEqual([2])
    function expectManifest(digest: string): void {
      expect(PLAN.images.map(({ image }) => image.manifest.descriptor.digest)).toContain(digest)
    }
  })

  it.each<[string, (folder: string) => void]>([
    [
      'torn in its last line',
      (folder) => truncateSync(join(folder, 'journal'), statSync(join(folder, 'journal')).size - 9),
    ],
    ['torn in its first line', (folder) => truncateSync(join(folder, 'journal'), 20)],
    ['empty', (folder) => truncateSync(join(folder, 'journal'))],
    ['gone', (folder) => rmSync(join(folder, 'journal'))],
    ['followed by zeros', (folder) => appendFileSync(join(folder, 'journal'), Buffer.alloc(5000))],
    ['without its volume', (folder) => rmSync(join(folder, '000001.part'))],
    ['beside a volume that was cut', (folder) => truncateSync(join(folder, '000001.part'), 100_000)],
    ['beside a volume that was emptied', (folder) => writeFileSync(join(folder, '000001.part'), '')],
  ])('writes the same bytes where the journal is %s', async (_, damage) => {
    const expected = await undisturbed(PLAN)
    await using dir = await tempDir()
    await stoppedAt(dir.path, PLAN, 6)
    damage(dir.join('.airlift'))

    await writeArchive(dir.path, PLAN)

    expect(bytesIn(dir.path)).toEqual(expected)
    expect(readdirSync(dir.path)).toEqual(['mirror_000001.tar'])
  })

  it('writes the same bytes whichever bit of the journal is flipped', async () => {
    const expected = await undisturbed(PLAN)
    for (let at = 1; ; at += 97) {
      await using dir = await tempDir()
      await stoppedAt(dir.path, PLAN, 6)
      const path = dir.join('.airlift', 'journal')
      const journal = readFileSync(path)
      if (at >= journal.length) break
      journal[at] = (journal[at] ?? 0) ^ (1 << (at % 8))
      writeFileSync(path, journal)

      await writeArchive(dir.path, PLAN)

      expect(bytesIn(dir.path)).toEqual(expected)
    }
    expect.hasAssertions()
  })

  it('does not believe the journal of a volume that was lost, also when it is stopped again', async () => {
    const expected = await undisturbed(PLAN)
    await using dir = await tempDir()
    await stoppedAt(dir.path, PLAN, 8)
    rmSync(dir.join('.airlift', '000001.part'))
    await stoppedAt(dir.path, PLAN, 0)

    await writeArchive(dir.path, PLAN)

    expect(bytesIn(dir.path)).toEqual(expected)
  })

  it('hashes again what was written before the machine went down', async () => {
    const expected = await undisturbed(PLAN)
    await using dir = await tempDir()
    await stoppedAt(dir.path, PLAN, 8)
    const path = dir.join('.airlift', 'journal')
    writeFileSync(path, rebooted(readFileSync(path, 'latin1')))
    // One blob did not reach the disk.
    const lost = PLAN.layout.volumes[0]?.entries.find(({ name }) => name.startsWith('docker/registry/v2/blobs'))
    const part = dir.join('.airlift', '000001.part')
    const bytes = readFileSync(part)
    bytes.fill(0, lost?.offset, (lost?.offset ?? 0) + (lost?.size ?? 0))
    writeFileSync(part, bytes)

    const steps: string[] = []
    await writeArchive(dir.path, PLAN, { onStep: (digest) => steps.push(digest) })

    expect(bytesIn(dir.path)).toEqual(expected)
    expect(steps.map((digest) => entryOf(digest))).toContain(lost?.name)
    expect(steps.length).toBeLessThan(PLAN.content.blobs.length)
  })

  it('takes whole blobs over when the plan has changed', async () => {
    const changed = planArchive([THREE, TWO], { firstVolume: 4 })
    const expected = await undisturbed(changed)
    await using dir = await tempDir()
    await stoppedAt(dir.path, PLAN, 9)

    const steps: string[] = []
    await writeArchive(dir.path, changed, { onStep: (digest) => steps.push(digest) })

    expect(bytesIn(dir.path)).toEqual(expected)
    expect(readdirSync(dir.path)).toEqual(['mirror_000004.tar'])
    const two = [...TWO.image.blobs.keys()]
    expect(steps.filter((digest) => two.includes(digest as (typeof two)[number]))).toEqual([])
  })

  it('takes no blob over that was damaged meanwhile', async () => {
    const changed = planArchive([THREE, TWO], { firstVolume: 4 })
    const expected = await undisturbed(changed)
    await using dir = await tempDir()
    await stoppedAt(dir.path, PLAN, 9)
    const part = dir.join('.airlift', '000001.part')
    writeFileSync(part, Buffer.alloc(statSync(part).size, 'x'))

    await writeArchive(dir.path, changed)

    expect(bytesIn(dir.path)).toEqual(expected)
  })

  it('makes void what a failed image lacks, and keeps all that others need', async () => {
    await using dir = await tempDir()

    const closed = await writeArchive(dir.path, PLAN, { failing: [TWO] })

    const path = dir.join('mirror_000001.tar')
    const names = listed(path)
    const lost = [...TWO.image.blobs.keys()].filter((digest) => !ONE.image.blobs.has(digest))
    expect([...closed.lacking].toSorted()).toEqual([...lost, TWO.image.manifest.descriptor.digest].toSorted())
    for (const digest of closed.lacking) expect(names).not.toContain(entryOf(digest))
    for (const digest of closed.whole) expect(names).toContain(entryOf(digest))
    expect(names.filter((name) => name.includes('team/two'))).toEqual([])
    expect(names.filter((name) => name.includes('airlift/void/')).length).toBeGreaterThan(lost.length)
    const index = indexOf(path)
    expect(index.images.map(({ repository, state }) => [repository, state])).toEqual([
      ['team/one', 'whole'],
      ['team/two', 'void'],
      ['team/three', 'whole'],
    ])
    const states = index.entries.map(({ name, state }, at) => [state === 'void' ? `airlift/void/${at}` : name])
    expect(names.slice(2)).toEqual(states.flat())
  })

  it('makes no volume of which all is void', async () => {
    const plan = planArchive([ONE, THREE], { volumeBytes: 40_000 })
    await using dir = await tempDir()

    const { volumes } = await writeArchive(dir.path, plan, { failing: [THREE] })

    const path = volumes[0]?.path ?? ''
    expect(indexOf(path).volumes.map(({ name }) => name)).toEqual(volumesIn(dir.path))
    expect(volumesIn(dir.path).length).toBeLessThan(plan.layout.volumes.length)
    expect(readdirSync(dir.path).filter((name) => name.startsWith('.'))).toEqual([])
  })

  it('closes nothing where every image failed, and goes on later', async () => {
    const expected = await undisturbed(PLAN)
    await using dir = await tempDir()

    const closed = await writeArchive(dir.path, PLAN, { failing: [ONE, TWO, THREE] })

    expect(closed.volumes).toEqual([])
    expect(unfinishedPlan(dir.path)).toBe(PLAN.planDigest)
    await writeArchive(dir.path, PLAN)
    expect(bytesIn(dir.path)).toEqual(expected)
  })

  it('refuses to leave an image out that nobody said had failed', async () => {
    await using dir = await tempDir()
    await using writer = await openArchiveWriter({ root: dir.path, ...PLAN, signal })
    await writeImage(writer, ONE)

    const closing = writer.close({ failedImages: new Set([idOf(TWO)]), signal })

    await expect(closing).rejects.toThrow('team/three:v1 lacks')
    expect(volumesIn(dir.path)).toEqual([])
  })

  it('stores no blob that is not what its digest says', async () => {
    await using dir = await tempDir()
    await using writer = await openArchiveWriter({ root: dir.path, ...PLAN, signal })
    const sink = writer.sink({ ...REST, repository: ONE.repository })
    const [[digest, bytes] = [digestOf(Buffer.alloc(0)), Buffer.alloc(0)]] = ONE.image.blobs
    const content = { mediaType: 'x/y', digest, size: bytes.length }
    const wrong = Buffer.from(bytes)
    wrong[0] = (wrong[0] ?? 0) ^ 1

    await expect(sink.put(content, Readable.from([wrong]), { signal })).rejects.toMatchObject({
      code: 'DIGEST_MISMATCH',
    })
    await expect(sink.put(content, Readable.from([bytes.subarray(1)]), { signal })).rejects.toMatchObject({
      code: 'SIZE_MISMATCH',
    })
    await expect(sink.put(content, Readable.from([bytes, bytes]), { signal })).rejects.toMatchObject({
      code: 'SIZE_MISMATCH',
    })
    await expect(sink.put({ ...content, size: 1 }, Readable.from([bytes]), { signal })).rejects.toMatchObject({
      code: 'SIZE_MISMATCH',
    })
    expect(await sink.has(content, { signal })).toBe(false)
    await sink.put(content, Readable.from([bytes]), { signal })
    expect(await sink.has(content, { signal })).toBe(true)
    expect(await writer.sink({ ...REST, repository: TWO.repository }).mount(content, { signal })).toBe(true)
  })

  it('shows a manifest once it has been put, by tag and by digest', async () => {
    await using dir = await tempDir()
    await using writer = await openArchiveWriter({ root: dir.path, ...PLAN, signal })
    const sink = writer.sink({ ...REST, repository: ONE.repository })
    const { digest } = ONE.image.manifest.descriptor
    expect(await sink.head('v1', { signal })).toBeUndefined()

    await writeImage(writer, ONE)

    expect((await sink.head('v1', { signal }))?.digest).toBe(digest)
    expect((await sink.manifest(digest, { signal }))?.bytes).toEqual(ONE.image.manifest.bytes)
    expect(await Array.fromAsync(sink.tags({ signal }))).toEqual(['v1'])
  })

  it('never overwrites a volume', async () => {
    await using dir = await tempDir()
    writeFileSync(dir.join('mirror_000001.tar'), 'somebody else made it')

    await expect(writeArchive(dir.path, PLAN)).rejects.toMatchObject({ code: 'VOLUME_EXISTS' })

    expect(readFileSync(dir.join('mirror_000001.tar'), 'utf8')).toBe('somebody else made it')
    expect(readdirSync(dir.path)).toEqual(['mirror_000001.tar'])
  })

  it('refuses a second writer, and lets one in once the first has ended', async () => {
    await using dir = await tempDir()
    {
      await using _first = await openArchiveWriter({ root: dir.path, ...PLAN, signal })

      await expect(writeArchive(dir.path, PLAN)).rejects.toMatchObject({
        code: 'ARCHIVE_BUSY',
        message: `process ${process.pid} is writing to ${dir.path}`,
      })
    }
    await writeArchive(dir.path, PLAN)
    expect(volumesIn(dir.path)).toEqual(['mirror_000001.tar'])
  })

  it('finds out that the disk is too small before anything is reserved', async () => {
    await using dir = await tempDir()
    const digest = digestOf(Buffer.from('a blob that no disk holds'))
    const content = {
      ...PLAN.content,
      blobs: [{ digest, size: 2 ** 50, images: [idOf(ONE)] }],
    }
    const layout = layoutArchive(content, { volumeBytes: 2 ** 40, strict: false, firstVolume: 1 })
    const plan = { ...PLAN, content, layout }

    await expect(writeArchive(dir.path, plan)).rejects.toMatchObject({
      code: 'DISK_FULL',
      message: expect.stringMatching(/^the volumes need 1\.0 PiB more in .*, and .* are free$/) as string,
    })

    expect(existsSync(dir.join('.airlift'))).toBe(false)
  })

  it('says what to do about a directory that cannot be written to', async () => {
    await using dir = await tempDir()
    writeFileSync(dir.join('file'), '')
    await expect(writeArchive(dir.join('file'), PLAN)).rejects.toMatchObject({ code: 'DISK_FAILED' })
  })

  it('gives up where a volume is taken away while it is written, and goes on with the next run', async () => {
    const expected = await undisturbed(PLAN)
    await using dir = await tempDir()
    let n = 0
    const onStep = (): void => {
      n += 1
      if (n === 5) rmSync(dir.join('.airlift', '000001.part'))
    }

    await expect(writeArchive(dir.path, PLAN, { onStep })).rejects.toMatchObject({
      code: 'DISK_FAILED',
      hint: 'run again: what was removed is fetched again',
    })

    expect(volumesIn(dir.path)).toEqual([])
    await writeArchive(dir.path, PLAN)
    expect(bytesIn(dir.path)).toEqual(expected)
  })
})
