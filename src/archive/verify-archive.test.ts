import { mkdirSync, readFileSync, renameSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { randomImage } from '../../test/support/random-image.ts'
import { imageEntries, tarFile } from '../../test/support/tar-file.ts'
import { tempDir } from '../../test/support/temp-dir.ts'
import { planArchive, writeArchive } from '../../test/support/written-archive.ts'
import type { NamedImage } from '../../test/support/written-archive.ts'
import { verifyArchive } from './verify-archive.ts'
import type { VerifyEvent } from './verify-archive.ts'

const { signal } = new AbortController()
const ONE: NamedImage = { repository: 'team/one', image: randomImage({ seed: 1, layers: 3, sharedLayers: 1 }) }
const TWO: NamedImage = { repository: 'team/two', image: randomImage({ seed: 2, layers: 3, sharedLayers: 1 }) }
const LARGE: NamedImage = { repository: 'team/large', image: randomImage({ seed: 3, layers: 2, bytes: 3_000_000 }) }
const SPLIT = planArchive([ONE, TWO, LARGE], { volumeBytes: 4_000_000 })
const VOLUMES = SPLIT.layout.volumes
const SHARED = [...ONE.image.blobs.keys()].find((digest) => TWO.image.blobs.has(digest)) ?? ''
const OWN = [...ONE.image.blobs.keys()].find((digest) => !TWO.image.blobs.has(digest)) ?? ''

function flip(path: string, position: number): void {
  const bytes = readFileSync(path)
  bytes[position] = (bytes[position] ?? 0) ^ 0x10
  writeFileSync(path, bytes)
}

/** Where the content of a blob, or of the first entry whose name has `text` in it, begins. */
function placeOf(text: string): { readonly volume: string; readonly offset: number; readonly name: string } {
  const hex = text.slice(text.indexOf(':') + 1)
  for (const { name: volume, entries } of VOLUMES) {
    const found = entries.find(({ name }) => name.includes(hex))
    if (found !== undefined) return { volume, offset: found.offset, name: found.name }
  }
  throw new Error(`no entry has ${text}`)
}

describe('verifying an archive', () => {
  it('reads every byte, and says how far it is', async () => {
    await using dir = await tempDir()
    await writeArchive(dir.path, SPLIT)
    const events: VerifyEvent[] = []
    const result = await verifyArchive([dir.path], { signal, onEvent: (event) => events.push(event) })

    const total = VOLUMES.reduce((sum, { size }) => sum + size, 0)
    expect(result).toMatchObject({ damaged: [], problems: [], damagedImages: [], images: 3, bytes: total })
    expect(result.volumes.map(({ isWhole }) => isWhole)).toEqual([true, true])
    expect(events.at(-1)).toEqual({ type: 'verify-progress', bytes: total, total })
  })

  const blobOf = (digest: string): string => `blobs/sha256/${digest.slice(7, 9)}/${digest.slice(7)}/data`

  it.each([
    ['a blob', blobOf(OWN), 3, 'content', ['team/one:v1']],
    ['a blob that two images have', blobOf(SHARED), 0, 'content', ['team/one:v1', 'team/two:v1']],
    ['a manifest', blobOf(ONE.image.manifest.descriptor.digest), 10, 'content', ['team/one:v1']],
    ['a link', 'team/two/_manifests/tags/v1/current/link', 20, 'content', ['team/two:v1']],
    ['the name in a header', blobOf(OWN), -512 + 30, 'header', ['team/one:v1']],
    ['the plan', 'airlift/plan.json', 0, 'content', []],
  ])('finds one flipped bit in %s, and the images that it costs', async (_what, text, at, fault, images) => {
    await using dir = await tempDir()
    await writeArchive(dir.path, SPLIT)
    const { volume, offset, name } = placeOf(text)
    flip(dir.join(volume), offset + at)
    const events: VerifyEvent[] = []
    const result = await verifyArchive([dir.path], { signal, onEvent: (event) => events.push(event) })

    expect(result.damaged).toEqual([expect.objectContaining({ volume: dir.join(volume), name, fault, images })])
    expect(result.damagedImages).toEqual(images)
    expect(events).toContainEqual({ type: 'entry-damaged', entry: result.damaged[0] })
  })

  it('finds a flipped bit in an index, and verifies the rest by its headers', async () => {
    await using dir = await tempDir()
    await writeArchive(dir.path, SPLIT)
    const { offset } = placeOf(OWN)
    flip(dir.join('mirror_000001.tar'), 2000)
    flip(dir.join('mirror_000001.tar'), placeOf(blobOf(OWN)).offset)
    const result = await verifyArchive([dir.path], { signal, onEvent: () => {} })

    expect(offset).toBeGreaterThan(0)
    expect(result.problems).toMatchObject([{ kind: 'index-damaged' }, { kind: 'missing' }])
    expect(result.damaged).toMatchObject([{ digest: OWN, images: ['team/one:v1'] }])
  })

  it('needs no other volume than the one that it is given', async () => {
    await using dir = await tempDir()
    await writeArchive(dir.path, SPLIT)
    mkdirSync(dir.join('alone'))
    renameSync(dir.join('mirror_000002.tar'), dir.join('alone', 'mirror_000002.tar'))
    for (const path of [dir.join('alone'), dir.join('alone', 'mirror_000002.tar')]) {
      const result = await verifyArchive([path], { signal, onEvent: () => {} })

      expect(result.damaged).toEqual([])
      expect(result.volumes).toMatchObject([{ isWhole: true }])
      expect(result.problems).toMatchObject([{ kind: 'missing' }])
    }
  })

  it('tells what is whole of a volume that was cut off', async () => {
    await using dir = await tempDir()
    await writeArchive(dir.path, SPLIT)
    truncateSync(dir.join('mirror_000001.tar'), placeOf(blobOf(OWN)).offset + 10)
    const result = await verifyArchive([dir.path], { signal, onEvent: () => {} })

    expect(result.problems).toMatchObject([{ kind: 'truncated' }])
    expect(result.volumes.map(({ isWhole }) => isWhole)).toEqual([false, true])
  })

  it.each([
    ['a layer', (name: string) => name.includes(OWN.slice(7)) && name.endsWith('data'), ['team/one:v1']],
    [
      'a manifest',
      (name: string) => name.includes(ONE.image.manifest.descriptor.digest.slice(7)) && name.endsWith('data'),
      ['team/one:v1'],
    ],
    ['a link', (name: string) => name.includes('team/one/_layers'), []],
  ])('finds damage in %s of an archive that has no index', async (_what, isDamaged, atLeast) => {
    await using dir = await tempDir()
    const entries = [ONE, TWO].flatMap(({ repository, image }, index) =>
      imageEntries(image, { repository, tag: 'v1', without: index === 1 ? [...ONE.image.blobs.keys()] : [] }),
    )
    const victim = entries.find(({ name }) => isDamaged(name))
    writeFileSync(
      join(dir.path, 'mirror_000001.tar'),
      tarFile(
        entries.map((entry) =>
          entry === victim ? { ...entry, bytes: Buffer.alloc(entry.bytes?.length ?? 0, 'x') } : entry,
        ),
      ),
    )
    const result = await verifyArchive([dir.path], { signal, onEvent: () => {} })

    expect(result.damaged).toMatchObject([{ name: victim?.name, fault: 'content' }])
    expect(result.damagedImages).toEqual(expect.arrayContaining(atLeast))
  })

  it('stops when it is told to, also in the middle', async () => {
    await using dir = await tempDir()
    await writeArchive(dir.path, SPLIT)
    const stop = new AbortController()
    const verifying = verifyArchive([dir.path], { signal: stop.signal, onEvent: () => stop.abort(new Error('enough')) })

    await expect(verifying).rejects.toThrow('enough')
  })
})
