import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  archiveContents,
  CREATED_AT,
  sampleContent,
  workspaceFile,
  writeHollowVolume,
} from '../../test/support/archive-contents.ts'
import { tempDir } from '../../test/support/temp-dir.ts'
import type { ArchiveContent, ArchiveLayout, LayoutLimits, VolumeLayout } from './archive-types.ts'
import { blobEntryName, INDEX_DIGEST_NAME, INDEX_NAME } from './entry-names.ts'
import { encodeIndex, indexedEntries, volumeIndex } from './index-format.ts'
import { DEFAULT_VOLUME_BYTES, layoutArchive } from './layout.ts'
import { parseIndex } from './parse-index.ts'

const GIB = 2 ** 30
const LIMITS: LayoutLimits = { volumeBytes: DEFAULT_VOLUME_BYTES, strict: false, firstVolume: 1 }

const limits = fc
  .tuple(
    fc.constantFrom(1, 20_000, 30_000, 60_000, 2_000_000, 9 * GIB, DEFAULT_VOLUME_BYTES),
    fc.integer({ min: 1, max: 2000 }),
  )
  .map(([volumeBytes, firstVolume]): LayoutLimits => ({ volumeBytes, strict: false, firstVolume }))

const namesOf = (content: ArchiveContent): string[] => [
  ...content.files.map(({ name }) => name),
  ...content.blobs.map(({ digest }) => blobEntryName(digest)),
]
const names = (volume: VolumeLayout): string[] => indexedEntries(volume).map(({ name }) => name)

/** Without the bytes of files, which a clone has in another class. */
const places = ({ volumes }: ArchiveLayout): unknown =>
  volumes.map(({ entries, ...volume }) => [volume, entries.map(({ source, ...entry }) => [source.kind, entry])])

describe('layoutArchive', () => {
  it('puts entries one after another, without gap or overlap, and ends each volume with two blocks', () => {
    fc.assert(
      fc.property(archiveContents, limits, (content, limit) => {
        for (const { entries, size } of layoutArchive(content, limit).volumes) {
          let end = 0
          for (const entry of entries) {
            expect(entry.headerOffset).toBe(end)
            expect((entry.offset - entry.headerOffset) % 512).toBe(0)
            expect(entry.offset).toBeGreaterThan(entry.headerOffset)
            end = Math.ceil((entry.offset + entry.size) / 512) * 512
          }
          expect(size).toBe(end + 1024)
        }
      }),
    )
  })

  it('keeps each volume below the limit, but for one that holds a single entry', () => {
    fc.assert(
      fc.property(archiveContents, limits, (content, limit) => {
        for (const volume of layoutArchive(content, limit).volumes) {
          if (volume.size >= limit.volumeBytes) expect(indexedEntries(volume)).toHaveLength(1)
        }
      }),
    )
  })

  it('places every entry once, in order but for those with a volume of their own', () => {
    fc.assert(
      fc.property(archiveContents, limits, (content, limit) => {
        const { volumes } = layoutArchive(content, limit)
        const isException = ({ size }: VolumeLayout): boolean => size >= limit.volumeBytes
        const ordinary = volumes.filter((volume) => !isException(volume)).flatMap(names)
        const alone = new Set(volumes.filter(isException).flatMap(names))

        expect(ordinary).toEqual(namesOf(content).filter((name) => !alone.has(name)))
        expect(volumes.flatMap(names).toSorted()).toEqual(namesOf(content).toSorted())
      }),
    )
  })

  it('begins each volume with its index and the digest of it, and numbers volumes on', () => {
    fc.assert(
      fc.property(archiveContents, limits, (content, limit) => {
        for (const [index, { entries, number, name }] of layoutArchive(content, limit).volumes.entries()) {
          expect(number).toBe(limit.firstVolume + index)
          expect(name).toBe(`mirror_${String(number).padStart(6, '0')}.tar`)
          expect(entries[0]).toMatchObject({ name: INDEX_NAME, headerOffset: 0, offset: 512 })
          expect(entries[1]).toMatchObject({ name: INDEX_DIGEST_NAME, size: 71 })
        }
      }),
    )
  })

  it('gives equal contents equal layouts', () => {
    fc.assert(
      fc.property(archiveContents, limits, (content, limit) => {
        expect(places(layoutArchive(structuredClone(content), limit))).toEqual(places(layoutArchive(content, limit)))
      }),
      { numRuns: 30 },
    )
  })

  it('refuses with strict exactly what would get a volume of its own', () => {
    fc.assert(
      fc.property(archiveContents, limits, (content, limit) => {
        const hasException = layoutArchive(content, limit).volumes.some(({ size }) => size >= limit.volumeBytes)
        const strict = (): ArchiveLayout => layoutArchive(content, { ...limit, strict: true })

        if (hasException) expect(strict).toThrow(expect.objectContaining({ code: 'VOLUME_TOO_SMALL' }))
        else expect(strict()).toEqual(layoutArchive(content, limit))
      }),
    )
  })

  it('keeps enough room for every index, whatever was lost', () => {
    const losses = fc.record({ blob: fc.func(fc.boolean()), image: fc.func(fc.boolean()) })
    fc.assert(
      fc.property(archiveContents, limits, losses, (content, limit, { blob, image }) => {
        const layout = layoutArchive(content, limit)
        const lost = {
          blobs: new Set(content.blobs.map(({ digest }) => digest).filter((digest) => blob(digest))),
          images: new Set(content.images.map(({ id }) => id).filter((id) => image(id))),
        }
        for (const volume of layout.volumes) {
          const index = volumeIndex(content, layout, { volume, losses: lost })
          const bytes = encodeIndex(index, volume.entries[0]?.size ?? 0)

          expect(bytes).toHaveLength(volume.entries[0]?.size ?? 0)
          expect(parseIndex(bytes)).toEqual(index)
        }
      }),
      { numRuns: 30 },
    )
  })

  it('makes no volume of nothing', () => {
    expect(layoutArchive({ ...sampleContent({ sizes: [] }), files: [] }, LIMITS)).toEqual({ volumes: [], size: 0 })
  })

  it('leaves the current volume open when a blob gets one of its own', () => {
    const content = { ...sampleContent({ sizes: [10, 3 * GIB, 20] }), files: [] }

    const { volumes } = layoutArchive(content, { ...LIMITS, volumeBytes: GIB })

    const [small, large, last] = content.blobs.map(({ digest }) => blobEntryName(digest))
    expect(volumes.map(names)).toEqual([[small, last], [large]])
  })

  it('makes a thousand volumes, each of which knows them all', () => {
    const content = { ...sampleContent({ sizes: Array.from({ length: 1000 }, () => 2 ** 20) }), files: [] }

    const layout = layoutArchive(content, { ...LIMITS, volumeBytes: 1.9 * 2 ** 20 })

    expect(layout.volumes).toHaveLength(1000)
    const [last] = layout.volumes.slice(-1)
    if (last === undefined) throw new Error('a thousand volumes expected')
    const index = parseIndex(encodeIndex(volumeIndex(content, layout, { volume: last }), last.entries[0]?.size ?? 0))
    expect(index.volumes).toHaveLength(1000)
    expect(index.volumes.at(-1)).toEqual({ number: 1000, name: 'mirror_001000.tar', size: last.size })
  })

  it('costs less than two hundredths of what a usual image set holds', () => {
    const repositories = Array.from({ length: 200 }, (_, index) => `openshift/release-${index}`)
    const sizes = Array.from({ length: 1400 }, (_, index) => 850_000 + index)

    const { size } = layoutArchive(sampleContent({ sizes, repositories }), LIMITS)

    expect(size / sizes.reduce((sum, one) => sum + one, 0)).toBeLessThan(1.02)
  })

  it.each([
    ['is one byte too large', 0, false],
    ['just fits', 1, true],
  ])('takes a volume that %s for the limit as what it is', (_, more, fits) => {
    const content = { ...sampleContent({ sizes: [5000] }), files: [] }
    const { size } = layoutArchive(content, LIMITS)
    const strict = (): ArchiveLayout => layoutArchive(content, { ...LIMITS, volumeBytes: size + more, strict: true })

    if (fits) expect(strict().volumes).toHaveLength(1)
    else expect(strict).toThrow(expect.objectContaining({ code: 'VOLUME_TOO_SMALL' }))
  })

  it('refuses in the words of the original, and says which size would do', () => {
    const content = { ...sampleContent({ sizes: [5 * GIB + 1] }), files: [] }
    const [blob] = content.blobs.map(({ digest }) => blobEntryName(digest))

    expect(() => layoutArchive(content, { ...LIMITS, volumeBytes: 4 * GIB, strict: true })).toThrow(
      expect.objectContaining({
        message: `maxArchiveSize 4G is too small compared to sizes of files that need to be included in the archive.\n${blob}: 5G\n Aborting archive generation`,
        hint: expect.stringContaining('archiveSize to at least 6,'),
      }),
    )
  })

  it.each(['working-dir/a\nb', 'working-dir/../up', '/absolute', 'working-dir//twice', ''])(
    'refuses a file that no archive can hold: %j',
    (name) => {
      const content = sampleContent({ sizes: [], files: [workspaceFile(name)] })

      expect(() => layoutArchive(content, LIMITS)).toThrow(expect.objectContaining({ code: 'NAME_INVALID' }))
    },
  )
})

describe('tar of the system', () => {
  /** Size and name of each entry, after its checks of modes, owners and time. */
  async function listed(volume: VolumeLayout): Promise<(readonly [number, string])[]> {
    await using dir = await tempDir()
    writeHollowVolume(dir.join(volume.name), volume)
    const { stdout, stderr } = await promisify(execFile)(
      'tar',
      [
        '--list',
        '--verbose',
        '--numeric-owner',
        '--full-time',
        '--utc',
        '--quoting-style=literal',
        '--file',
        dir.join(volume.name),
      ],
      { encoding: 'utf8', maxBuffer: 2 ** 26 },
    )
    expect(stderr).toBe('')
    const time = CREATED_AT.replace('T', ' ').replace('Z', '')
    return stdout
      .split('\n')
      .slice(0, -1)
      .map((line) => {
        const match = /^-rw-r--r-- 0\/0 +(?<size>\d+) (?<time>\S+ \S+) (?<name>.+)$/su.exec(line)
        expect(match?.groups?.['time']).toBe(time)
        return [Number(match?.groups?.['size']), match?.groups?.['name'] ?? ''] as const
      })
  }

  const expected = ({ entries }: VolumeLayout): (readonly [number, string])[] =>
    entries.map(({ size, name }) => [size, name] as const)

  it('sees every entry of every volume', async () => {
    await fc.assert(
      fc.asyncProperty(archiveContents, limits, async (content, limit) => {
        for (const volume of layoutArchive(content, limit).volumes.slice(0, 3)) {
          expect(await listed(volume)).toEqual(expected(volume))
        }
      }),
      { numRuns: 15 },
    )
  })

  it.each([
    ['a name of 100 characters', `working-dir/${'n'.repeat(88)}`],
    ['a name of more, with a slash to cut it at', `working-dir/${'n'.repeat(80)}/${'m'.repeat(80)}`],
    ['a name of more in one piece', `working-dir/${'n'.repeat(200)}`],
    [
      'a name that needs more than one block',
      `working-dir/${Array.from({ length: 9 }, () => 'n'.repeat(100)).join('/')}`,
    ],
    ['a name with umlauts', 'working-dir/Änderungsübersicht'],
  ])('sees %s', async (_, name) => {
    const [volume] = layoutArchive(sampleContent({ sizes: [7], files: [workspaceFile(name)] }), LIMITS).volumes
    if (volume === undefined) throw new Error('a volume expected')

    expect(names(volume)).toContain(name)
    expect(await listed(volume)).toEqual(expected(volume))
  })

  it('sees a blob of 9 GiB, and what lies behind it', async () => {
    const content = sampleContent({ sizes: [9 * GIB, 2 ** 33 - 1, 2 ** 33, 1] })
    const [volume] = layoutArchive(content, LIMITS).volumes
    if (volume === undefined) throw new Error('a volume expected')

    expect(await listed(volume)).toEqual(expected(volume))
  })
})
