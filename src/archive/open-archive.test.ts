import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { randomImage, randomIndex } from '../../test/support/random-image.ts'
import { blobName, imageEntries, tarFile } from '../../test/support/tar-file.ts'
import type { TarEntry } from '../../test/support/tar-file.ts'
import { tempDir } from '../../test/support/temp-dir.ts'
import { planArchive, writeArchive } from '../../test/support/written-archive.ts'
import type { NamedImage } from '../../test/support/written-archive.ts'
import { digestOf } from '../oci/digest.ts'
import { extractImage } from './extract-image.ts'
import { findImage } from './find-image.ts'
import { imageContent } from './image-content.ts'
import { layoutArchive } from './layout.ts'
import { openArchive } from './open-archive.ts'
import type { Archive } from './reading-types.ts'
import { checksumOf, tarHeader } from './tar-header.ts'
import { openLayout } from '../content/oci-layout.ts'

const { signal } = new AbortController()
const ONE: NamedImage = { repository: 'team/one', image: randomImage({ seed: 1, layers: 3, sharedLayers: 1 }) }
const TWO: NamedImage = { repository: 'team/two', image: randomImage({ seed: 2, layers: 3, sharedLayers: 1 }) }
const LARGE: NamedImage = { repository: 'team/large', image: randomImage({ seed: 3, layers: 2, bytes: 3_000_000 }) }
const SPLIT = planArchive([ONE, TWO, LARGE], { volumeBytes: 4_000_000 })
const VOLUME_1 = 'mirror_000001.tar'
const VOLUME_2 = 'mirror_000002.tar'

/** Whether every manifest and blob of the image comes out of the archive as it went in. */
async function expectImage(archive: Archive, { repository, image }: NamedImage, tag = 'v1'): Promise<void> {
  const source = archive.repository(repository)
  expect((await source.manifest(tag, { signal }))?.descriptor).toEqual(image.manifest.descriptor)
  for (const { descriptor, bytes } of image.manifests) {
    expect(Buffer.from((await source.manifest(descriptor.digest, { signal }))?.bytes ?? [])).toEqual(Buffer.from(bytes))
  }
  for (const [digest, bytes] of image.blobs) {
    const content = { mediaType: 'application/octet-stream', digest, size: bytes.length }
    expect((await buffer(await source.open(content, { signal }))).equals(bytes)).toBe(true)
    const rest = await buffer(await source.open(content, { signal, offset: 100 }))
    expect(rest.equals(bytes.subarray(100))).toBe(true)
  }
}

async function writeTar(path: string, entries: readonly TarEntry[]): Promise<void> {
  mkdirSync(join(path, '..'), { recursive: true })
  writeFileSync(path, tarFile(entries))
}

describe('an archive with an index', () => {
  it('gives back every image, from several volumes', async () => {
    await using dir = await tempDir()
    await writeArchive(dir.path, SPLIT)
    await using archive = await openArchive([dir.path], { signal })

    for (const named of [ONE, TWO, LARGE]) await expectImage(archive, named)
    expect(archive.repositories).toEqual(['team/large', 'team/one', 'team/two'])
    expect(archive.images.map(({ id, state }) => [id, state])).toEqual([
      ['team/large:v1', 'whole'],
      ['team/one:v1', 'whole'],
      ['team/two:v1', 'whole'],
    ])
    expect(archive.sets).toMatchObject([
      { archive: { sequence: 1 }, missing: [], volumes: [{ number: 1 }, { number: 2 }] },
    ])
    expect(await archive.readFile('airlift/plan.json', { signal })).toEqual(Buffer.from('{}'))
    expect(readdirSync(dir.path)).not.toContain('docker')
  })

  it('reads a set whose volumes lie in two directories', async () => {
    await using dir = await tempDir()
    await writeArchive(dir.path, SPLIT)
    mkdirSync(dir.join('other'))
    renameSync(dir.join(VOLUME_2), dir.join('other', VOLUME_2))
    await using archive = await openArchive([dir.path, dir.join('other')], { signal })

    for (const named of [ONE, TWO, LARGE]) await expectImage(archive, named)
    expect(archive.sets).toHaveLength(1)
  })

  it('gives no file that is not what its index says', async () => {
    await using dir = await tempDir()
    await writeArchive(dir.path, SPLIT)
    const plan = SPLIT.layout.volumes[0]?.entries.find(({ name }) => name === 'airlift/plan.json')
    const bytes = readFileSync(dir.join(VOLUME_1))
    bytes.write('[', plan?.offset ?? 0)
    writeFileSync(dir.join(VOLUME_1), bytes)
    await using archive = await openArchive([dir.path], { signal })

    await expect(archive.readFile('airlift/plan.json', { signal })).rejects.toMatchObject({ code: 'ARCHIVE_DAMAGED' })
  })

  it('says that an image failed when it was written', async () => {
    await using dir = await tempDir()
    await writeArchive(dir.path, planArchive([ONE, TWO]), { failing: [TWO] })
    await using archive = await openArchive([dir.path], { signal })

    await expectImage(archive, ONE)
    expect(archive.images.map(({ id, state }) => [id, state])).toEqual([
      ['team/one:v1', 'whole'],
      ['team/two:v1', 'void'],
    ])
    expect(await archive.repository('team/two').manifest('v1', { signal })).toBeUndefined()
  })

  it('names the volume that a blob lies in which is not here', async () => {
    await using dir = await tempDir()
    await writeArchive(dir.path, SPLIT)
    renameSync(dir.join(VOLUME_2), dir.join('elsewhere.tar'))
    await using archive = await openArchive([dir.path], { signal, partial: true })
    const lacking = [...LARGE.image.blobs].filter(([digest]) => archive.locate(digest) === undefined)

    expect(lacking.length).toBeGreaterThan(0)
    for (const [digest, { length }] of lacking) {
      const content = { mediaType: '', digest, size: length }
      await expect(archive.repository('team/large').open(content, { signal })).rejects.toMatchObject({
        code: 'BLOB_UNKNOWN',
        message: expect.stringMatching(/mirror_000002\.tar of archive 1 \(sha256:[0-9a-f]{12}\)/),
      })
    }
  })

  it.each([
    ['the one before it', 2, /in archive 1 \(sha256:[0-9a-f]{12}\)$/],
    ['one of those before it', 3, /in archive 2 \(sha256:[0-9a-f]{12}\) or one before it$/],
  ])('names the archive that has what it does not: %s', async (_which, sequence, message) => {
    await using dir = await tempDir()
    const { content, ...planned } = planArchive([TWO])
    const earlier = [...ONE.image.blobs.keys()].filter((digest) => TWO.image.blobs.has(digest))
    const later = {
      ...content,
      identity: { ...content.identity, sequence, continues: { id: SPLIT.planDigest, sequence: sequence - 1 } },
      blobs: content.blobs.filter(({ digest }) => !earlier.includes(digest)),
    }
    const layout = layoutArchive(later, { volumeBytes: 2 ** 40, strict: false, firstVolume: 3 })
    const blobs = new Map([...TWO.image.blobs].filter(([digest]) => !earlier.includes(digest)))
    const images = [{ ...TWO, image: { ...TWO.image, blobs } }]
    await writeArchive(dir.join('later'), { ...planned, images, content: later, layout })
    await writeArchive(dir.join('first'), SPLIT)
    await using alone = await openArchive([dir.join('later')], { signal })
    const [digest = SPLIT.planDigest] = earlier
    const wanted = { mediaType: '', digest, size: TWO.image.blobs.get(digest)?.length ?? 0 }

    await expect(alone.repository('team/two').open(wanted, { signal })).rejects.toMatchObject({
      code: 'BLOB_UNKNOWN',
      message: expect.stringMatching(message),
    })
    await using both = await openArchive([dir.join('first'), dir.join('later')], { signal })
    await expectImage(both, TWO)
  })

  it('finds tags and manifests in the other volumes when the first, which has the links, is lost', async () => {
    await using dir = await tempDir()
    await writeArchive(dir.path, SPLIT)
    renameSync(dir.join(VOLUME_1), dir.join('elsewhere.tar'))
    await using archive = await openArchive([dir.path], { signal, partial: true })

    expect(archive.problems).toMatchObject([{ kind: 'missing', path: dir.join(VOLUME_1) }])
    expect(archive.repository('team/large').isLinked(LARGE.image.manifest.descriptor.digest)).toBe(true)
  })

  it('reads on from the volume that it opened when another takes its place', async () => {
    await using dir = await tempDir()
    await writeArchive(dir.path, planArchive([ONE]))
    await using archive = await openArchive([dir.path], { signal })
    renameSync(dir.join(VOLUME_1), dir.join('old.tar'))
    writeFileSync(dir.join(VOLUME_1), 'something else')

    await expectImage(archive, ONE)
  })
})

describe('volumes that are not as they should be', () => {
  const flip = (path: string, position: number): void => {
    const bytes = readFileSync(path)
    bytes[position] = (bytes[position] ?? 0) ^ 0x10
    writeFileSync(path, bytes)
  }
  const { size } = SPLIT.layout.volumes[0] ?? { size: 0 }
  const end = SPLIT.layout.volumes[0]?.entries.at(-1)?.headerOffset ?? 0

  it.each<[string, (dir: string) => void, { code: string; message: RegExp }]>([
    [
      'missing',
      (dir) => renameSync(join(dir, VOLUME_2), join(dir, 'x')),
      { code: 'ARCHIVE_INCOMPLETE', message: /mirror_000002\.tar of archive 1 .* is missing/ },
    ],
    [
      'cut off',
      (dir) => truncateSync(join(dir, VOLUME_1), size - 2_000_000),
      { code: 'ARCHIVE_INCOMPLETE', message: /mirror_000001\.tar has \d+ of its \d+ bytes/ },
    ],
    [
      'cut off in its index',
      (dir) => truncateSync(join(dir, VOLUME_1), 700),
      { code: 'ARCHIVE_INCOMPLETE', message: /mirror_000001\.tar at 0/ },
    ],
    [
      'still being copied into its full length',
      (dir) => {
        truncateSync(join(dir, VOLUME_1), end)
        truncateSync(join(dir, VOLUME_1), size)
      },
      { code: 'ARCHIVE_DAMAGED', message: /mirror_000001\.tar has no header for .*, by its index/ },
    ],
    [
      'empty',
      (dir) => truncateSync(join(dir, VOLUME_1), 0),
      { code: 'ARCHIVE_INCOMPLETE', message: /empty archive file ".*mirror_000001\.tar"/ },
    ],
    [
      'longer than it was written',
      (dir) => writeFileSync(join(dir, VOLUME_1), Buffer.alloc(512), { flag: 'a' }),
      { code: 'ARCHIVE_DAMAGED', message: /it says \d+ bytes, and the volume has/ },
    ],
    [
      'swapped',
      (dir) => {
        renameSync(join(dir, VOLUME_1), join(dir, 'x'))
        renameSync(join(dir, VOLUME_2), join(dir, VOLUME_1))
        renameSync(join(dir, 'x'), join(dir, VOLUME_2))
      },
      { code: 'ARCHIVE_INCOMPLETE', message: /mirror_000001\.tar holds mirror_000002\.tar, by its index/ },
    ],
    [
      'with a bit of its index flipped',
      (dir) => flip(join(dir, VOLUME_1), 700),
      { code: 'ARCHIVE_DAMAGED', message: /the index of .*mirror_000001\.tar is damaged: it does not hash/ },
    ],
    [
      'no tar at all',
      (dir) => writeFileSync(join(dir, VOLUME_1), 'x'.repeat(2000)),
      { code: 'ARCHIVE_INVALID', message: /mirror_000001\.tar at 0: not a tar header/ },
    ],
    [
      'a directory',
      (dir) => {
        renameSync(join(dir, VOLUME_1), join(dir, 'x'))
        mkdirSync(join(dir, VOLUME_1))
      },
      { code: 'ARCHIVE_INVALID', message: /is not a regular file/ },
    ],
  ])('are refused: one that is %s', async (_what, spoil, expected) => {
    await using dir = await tempDir()
    await writeArchive(dir.path, SPLIT)
    spoil(dir.path)

    await expect(openArchive([dir.path], { signal })).rejects.toMatchObject({
      code: expected.code,
      message: expect.stringMatching(expected.message),
    })
  })

  it('are refused where one belongs to another archive', async () => {
    await using dir = await tempDir()
    await writeArchive(dir.path, SPLIT)
    await writeArchive(dir.join('other'), planArchive([ONE], { firstVolume: 2 }))
    copyFileSync(dir.join('other', VOLUME_2), dir.join(VOLUME_2))

    await expect(openArchive([dir.path], { signal })).rejects.toMatchObject({
      code: 'ARCHIVE_INCOMPLETE',
      message: expect.stringMatching(
        /mirror_000002\.tar of archive 1 .* is missing: the file of that name belongs to archive 1/,
      ),
    })
  })

  it.each([
    ['its index is damaged', (path: string) => flip(path, 700), ['index-damaged']],
    ['it is cut off', (path: string) => truncateSync(path, size - 512), ['truncated']],
  ])('give what is whole of them where %s and the caller asks for it', async (_why, spoil, kinds) => {
    await using dir = await tempDir()
    await writeArchive(dir.path, SPLIT)
    spoil(dir.join(VOLUME_1))
    await using archive = await openArchive([dir.path], { signal, partial: true })

    expect(archive.problems.map(({ kind }) => kind)).toEqual(expect.arrayContaining(kinds))
    await expectImage(archive, ONE)
  })

  it('are told from directories that have none', async () => {
    await using dir = await tempDir()

    await expect(openArchive([dir.path], { signal })).rejects.toMatchObject({
      code: 'ARCHIVE_INCOMPLETE',
      message: `no tar archives matching "mirror_[0-9]{6}\\\\.tar" found in ${JSON.stringify(dir.path)}`,
    })
    await expect(openArchive([dir.join('nowhere')], { signal })).rejects.toMatchObject({ code: 'DISK_FAILED' })
  })
})

describe('an archive without an index', () => {
  const INDEX: NamedImage = {
    repository: 'team/multi',
    image: randomIndex({
      seed: 7,
      platforms: [
        { os: 'linux', architecture: 'amd64' },
        { os: 'linux', architecture: 'arm64' },
      ],
    }),
  }
  const entries = [
    ...imageEntries(ONE.image, { repository: 'team/one', tag: 'v1' }),
    ...imageEntries(INDEX.image, { repository: 'team/multi', tag: 'v1' }),
    { name: 'working-dir/logs/some.log', bytes: Buffer.from('log') },
  ]

  it('is read by its headers, which are kept for the next time', async () => {
    await using dir = await tempDir()
    await writeTar(dir.join(VOLUME_1), entries)
    for (const _round of ['by headers', 'by what was kept']) {
      await using archive = await openArchive([dir.path], { signal })
      await expectImage(archive, ONE)
      await expectImage(archive, INDEX)
      expect(archive.images.map(({ id }) => id)).toEqual(['team/multi:v1', 'team/one:v1'])
      expect(archive.files('working-dir/')).toEqual([{ name: 'working-dir/logs/some.log', size: 3 }])
      expect(existsSync(dir.join('.airlift', 'headers-000001.json'))).toBe(true)
    }
  })

  it('is read anew where what was kept does not fit it', async () => {
    await using dir = await tempDir()
    await writeTar(dir.join(VOLUME_1), entries)
    await (await openArchive([dir.path], { signal }))[Symbol.asyncDispose]()
    const path = dir.join('.airlift', 'headers-000001.json')
    const kept = JSON.parse(readFileSync(path, 'utf8')) as { entries: [string, number, number][] }
    writeFileSync(
      path,
      JSON.stringify({ ...kept, entries: kept.entries.map(([name, offset, size]) => [name, offset + 512, size]) }),
    )
    await using archive = await openArchive([dir.path], { signal })

    await expectImage(archive, ONE)
  })

  it('is read where nothing can be kept', async () => {
    await using dir = await tempDir()
    await writeTar(dir.join(VOLUME_1), entries)
    writeFileSync(dir.join('.airlift'), 'in the way')
    await using archive = await openArchive([dir.path], { signal })

    await expectImage(archive, ONE)
  })

  it('tells by the gap in the numbers that a volume is missing', async () => {
    await using dir = await tempDir()
    await writeTar(dir.join(VOLUME_2), entries)

    await expect(openArchive([dir.path], { signal })).rejects.toMatchObject({
      code: 'ARCHIVE_INCOMPLETE',
      message: `${dir.join(VOLUME_1)} is missing`,
    })
  })

  it('makes one with the archives before it, of which the later wins', async () => {
    await using dir = await tempDir()
    const newer = randomImage({ seed: 9, layers: 3, sharedLayers: 1 })
    const shared = [...newer.blobs.keys()].filter((digest) => ONE.image.blobs.has(digest))
    await writeTar(dir.join('a', VOLUME_1), [...entries, { name: 'working-dir/f', bytes: Buffer.from('old') }])
    await writeTar(dir.join('b', VOLUME_1), [
      ...imageEntries(newer, { repository: 'team/one', tag: 'v1', without: shared }),
      { name: 'working-dir/f', bytes: Buffer.from('new') },
    ])
    await using both = await openArchive([dir.join('a'), dir.join('b')], { signal })
    await using last = await openArchive([dir.join('b')], { signal })

    expect(shared.length).toBeGreaterThan(0)
    await expectImage(both, { repository: 'team/one', image: newer })
    expect(await both.readFile('working-dir/f', { signal })).toEqual(Buffer.from('new'))
    const [digest = ONE.image.manifest.descriptor.digest] = shared
    await expect(
      last.repository('team/one').open({ mediaType: '', digest, size: 1 }, { signal }),
    ).rejects.toMatchObject({
      code: 'BLOB_UNKNOWN',
      message: expect.stringContaining('an earlier archive of the same workspace'),
    })
    const [image] = last.images
    expect((await imageContent(last, image ?? findImage([], ''), { signal })).elsewhere).toEqual(shared)
  })

  it('gives no manifest that is not what its digest says', async () => {
    await using dir = await tempDir()
    const { digest } = ONE.image.manifest.descriptor
    await writeTar(
      dir.join(VOLUME_1),
      entries.map((entry) => (entry.name === blobName(digest) ? { ...entry, bytes: Buffer.from('{}') } : entry)),
    )
    await using archive = await openArchive([dir.path], { signal })

    await expect(archive.repository('team/one').manifest('v1', { signal })).rejects.toMatchObject({
      code: 'ARCHIVE_DAMAGED',
    })
  })

  it('extracts an image as a layout that can be read again', async () => {
    await using dir = await tempDir()
    await writeTar(dir.join(VOLUME_1), entries)
    await using archive = await openArchive([dir.path], { signal })
    await extractImage(archive, findImage(archive.images, 'team/multi'), { directory: dir.join('out'), signal })
    const layout = await openLayout(dir.join('out'), { signal })

    expect((await layout.manifest('v1', { signal }))?.descriptor.digest).toBe(INDEX.image.manifest.descriptor.digest)
    for (const [digest, bytes] of INDEX.image.blobs) {
      const content = { mediaType: '', digest, size: bytes.length }
      expect(digestOf(await buffer(await layout.open(content, { signal })))).toBe(digest)
    }
    await expect(
      extractImage(archive, findImage(archive.images, 'team/one'), { directory: dir.join('out'), signal }),
    ).rejects.toMatchObject({ code: 'DISK_FAILED', message: expect.stringContaining('is not empty') })
  })
})

/** A tar of empty files `f0000000`, `f0000001`, …: one header, changed in its digits and its sum. */
function manyEntries(count: number): Buffer {
  const bytes = Buffer.alloc(count * 512 + 1024)
  const first = tarHeader({ name: 'f0000000', size: 0, mtime: 0 })
  const sum = checksumOf(first)
  for (let index = 0; index < count; index += 1) {
    const digits = String(index).padStart(7, '0')
    const added = digits.split('').reduce((total, digit) => total + Number(digit), 0)
    first.write(digits, 1, 'latin1')
    first.write((sum + added).toString(8).padStart(6, '0'), 148, 'latin1')
    first.copy(bytes, index * 512)
  }
  return bytes
}

describe('a hostile archive', () => {
  const file = (name: string): TarEntry => ({ name, bytes: Buffer.from('x') })

  it.each<[string, readonly TarEntry[], RegExp]>([
    ['a name with ".."', [file('working-dir/../../etc/passwd')], /working-dir\/\.\.\/\.\.\/etc\/passwd.* leads out/],
    ['an absolute name', [file('/etc/passwd')], /\/etc\/passwd.* leads out/],
    ['a symbolic link', [{ name: 'working-dir/link', type: '2' }], /working-dir\/link.* is a symbolic link/],
    ['a hard link', [{ name: 'working-dir/link', type: '1' }], /working-dir\/link.* is a link/],
    ['a device', [{ name: 'working-dir/null', type: '3' }], /working-dir\/null.* is a device/],
    ['a pipe', [{ name: 'working-dir/pipe', type: '6' }], /working-dir\/pipe.* is a pipe/],
    [
      'an entry twice',
      [file('working-dir/a'), file('working-dir/b'), file('working-dir/a')],
      /two entries "working-dir\/a"/,
    ],
    [
      'a size beyond the end',
      [{ ...file('working-dir/a'), size: 1e9 }],
      /working-dir\/a.* should have 1000000000 bytes/,
    ],
    [
      'a size that hides the next header',
      [{ ...file('working-dir/a'), size: 700 }, file('working-dir/b')],
      /not a tar header|without the blocks/,
    ],
  ])('is refused by name: %s', async (_what, entries, message) => {
    await using dir = await tempDir()
    await writeTar(dir.join(VOLUME_1), entries)

    const opening = openArchive([dir.path], { signal })
    await expect(opening).rejects.toMatchObject({ message: expect.stringMatching(message) })
    await expect(opening).rejects.toMatchObject({ code: expect.stringMatching(/^ARCHIVE_IN/) })
    expect(readdirSync(dir.path)).toEqual([VOLUME_1])
  })

  it('is refused where it has a million entries', async () => {
    await using dir = await tempDir()
    writeFileSync(dir.join(VOLUME_1), manyEntries(1_000_000))

    await expect(openArchive([dir.path], { signal })).rejects.toMatchObject({
      code: 'ARCHIVE_INVALID',
      message: expect.stringContaining('more than 999999 entries'),
    })
  }, 120_000)

  it('does not make a reader wait on a pipe in the place of a volume', async () => {
    await using dir = await tempDir()
    const { execFileSync } = await import('node:child_process')
    execFileSync('mkfifo', [dir.join(VOLUME_1)])

    await expect(openArchive([dir.path], { signal })).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' })
  })
})

it('stops when it is told to', async () => {
  await using dir = await tempDir()
  await writeTar(dir.join(VOLUME_1), [{ name: 'working-dir/a' }])

  await expect(openArchive([dir.path], { signal: AbortSignal.abort(new Error('stop')) })).rejects.toThrow('stop')
})
