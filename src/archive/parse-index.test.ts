import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sampleContent, someDigest, workspaceFile } from '../../test/support/archive-contents.ts'
import { isAirliftError } from '../base/errors.ts'
import type { ArchiveContent } from './archive-types.ts'
import { encodeIndex, volumeIndex } from './index-format.ts'
import type { ArchiveIndex, Losses } from './index-format.ts'
import { layoutArchive } from './layout.ts'
import { parseIndex } from './parse-index.ts'

const CONTENT: ArchiveContent = sampleContent({
  sizes: [500, 7000, 512],
  repositories: ['ns/a', 'ns/b'],
  files: [workspaceFile('working-dir/file')],
})

function written(losses?: Losses): { readonly bytes: Buffer; readonly index: ArchiveIndex } {
  const layout = layoutArchive(CONTENT, { volumeBytes: 2 ** 30, strict: false, firstVolume: 7 })
  const [volume] = layout.volumes
  if (volume === undefined) throw new Error('a volume expected')
  const index = volumeIndex(CONTENT, layout, { volume, ...(losses !== undefined && { losses }) })
  return { bytes: encodeIndex(index, volume.entries[0]?.size ?? 0), index }
}

type Json = Record<string, unknown>

/** The index with a part of it replaced, in as many bytes. */
function changed(change: (json: Json, entries: Json[], images: Json[]) => void): Buffer {
  const { bytes } = written()
  const json = JSON.parse(bytes.toString()) as Json & { readonly entries: Json[]; readonly images: Json[] }
  change(json, json.entries, json.images)
  return Buffer.from(JSON.stringify(json).padEnd(bytes.length))
}

describe('an index', () => {
  it('is read as it was written', () => {
    const { bytes, index } = written()

    expect(parseIndex(bytes)).toEqual(index)
    expect(index.entries.map(({ state }) => state)).not.toContain('void')
  })

  it('names what was lost: blobs that never came, and links of which no image is left', () => {
    const [a, b] = CONTENT.images
    if (a === undefined || b === undefined) throw new Error('two images expected')
    const [lost] = b.content
    if (lost === undefined) throw new Error('a blob expected')

    const { entries, images } = parseIndex(written({ blobs: new Set([lost]), images: new Set([b.id]) }).bytes)

    expect(images.map(({ id, state }) => [id, state])).toEqual([
      [a.id, 'whole'],
      [b.id, 'void'],
    ])
    for (const { name, digest, state } of entries) {
      const isLost = name.includes('/repositories/ns/b/') || (name.includes('/blobs/') && digest === lost)
      expect([name, state]).toEqual([name, isLost ? 'void' : 'whole'])
    }
    expect(entries.filter(({ state }) => state === 'void').length).toBeGreaterThan(3)
  })

  it('has a line for each volume, image and entry, and ends in spaces and a line break', () => {
    const text = written().bytes.toString()

    expect(text).toMatch(/ \n$/)
    const { volumes, images, entries } = written().index
    expect(text.split('\n').filter((line) => /^\{.+\},?\]?/.test(line)).length).toBe(
      1 + volumes.length + images.length + entries.length,
    )
  })
})

describe('parseIndex', () => {
  it.each<[string, (json: Json, entries: Json[], images: Json[]) => void, string]>([
    ['an entry in the index itself', (_, [entry]) => void Object.assign(entry ?? {}, { offset: 512 }), 'lies over'],
    [
      'entries that overlap',
      (_, [first, second]) => void Object.assign(second ?? {}, { offset: first?.['offset'] }),
      'lies over',
    ],
    ['entries out of order', (json, entries) => void (json['entries'] = entries.toReversed()), 'lies over'],
    [
      'an entry between blocks',
      (_, entries) => void Object.assign(entries.at(-1) ?? {}, { offset: 2 ** 29 + 1 }),
      'lies over',
    ],
    [
      'an entry outside of the volume',
      (_, entries) => void Object.assign(entries.at(-1) ?? {}, { offset: 2 ** 40 }),
      'entries end at',
    ],
    [
      'an entry that is too large',
      (_, entries) => void Object.assign(entries.at(-1) ?? {}, { size: 2 ** 40 }),
      'entries end at',
    ],
    ['a size below zero', (_, [entry]) => void Object.assign(entry ?? {}, { size: -1 }), 'entries[0]: size'],
    ['a broken size', (_, [entry]) => void Object.assign(entry ?? {}, { size: 1.5 }), 'entries[0]: size'],
    [
      'a name that leads up',
      (_, [entry]) => void Object.assign(entry ?? {}, { name: 'working-dir/../../x' }),
      'leads out',
    ],
    ['an absolute name', (_, [entry]) => void Object.assign(entry ?? {}, { name: '/etc/passwd' }), 'leads out'],
    [
      'the name of a blob for other content',
      (_, [entry]) =>
        void Object.assign(entry ?? {}, { name: `docker/registry/v2/blobs/sha256/ab/${'ab'.repeat(32)}/data` }),
      'names a blob',
    ],
    [
      'a name twice',
      (_, [first, second]) => void Object.assign(second ?? {}, { name: first?.['name'] }),
      'stands twice',
    ],
    [
      'the name of the index',
      (_, [entry]) => void Object.assign(entry ?? {}, { name: 'airlift/index.json' }),
      'stands twice',
    ],
    ['no digest', (_, [entry]) => void Object.assign(entry ?? {}, { digest: 'sha256:1' }), 'no digest'],
    ['an unknown state', (_, [entry]) => void Object.assign(entry ?? {}, { state: 'half' }), 'no state'],
    [
      'an image that does not exist',
      (_, entries) => void Object.assign(entries.at(-1) ?? {}, { images: [2] }),
      'positions',
    ],
    ['an image twice', (_, entries) => void Object.assign(entries.at(-1) ?? {}, { images: [0, 0] }), 'positions'],
    [
      'images by other means',
      (_, entries) => void Object.assign(entries.at(-1) ?? {}, { images: ['ns/a:v1'] }),
      'not a number',
    ],
    ['two images of one name', (_, __, images) => void images.push(images[0] ?? {}), 'stands twice'],
    [
      'an image with a name that leads up',
      (_, __, [image]) => void Object.assign(image ?? {}, { repository: '../a' }),
      'no registry takes',
    ],
    [
      'an image with a foreign tag',
      (_, __, [image]) => void Object.assign(image ?? {}, { tag: 'a/b' }),
      'no registry takes',
    ],
    [
      'an origin that rewrites a terminal',
      (_, __, [image]) => void Object.assign(image ?? {}, { origin: '\u001b[2J' }),
      'origin',
    ],
    ['a volume that is not in its set', (json) => void (json['volumes'] = []), 'none of its volumes'],
    [
      'a volume with two sizes',
      (json) => void Object.assign(json['volume'] as Json, { size: 1 }),
      'none of its volumes',
    ],
    [
      'a volume with another name',
      (json) => void Object.assign(json['volume'] as Json, { name: 'mirror_000001.tar' }),
      'name of another',
    ],
    ['volumes out of order', (json) => void (json['volumes'] = [json['volume'], json['volume']]), 'not in order'],
    ['a time that is none', (json) => void (json['createdAt'] = 'yesterday'), 'createdAt'],
    ['an identity without id', (json) => void (json['archive'] = { sequence: 1 }), 'id is not'],
    [
      'an unreadable predecessor',
      (json) => void Object.assign(json['archive'] as Json, { continues: 1 }),
      'not an object',
    ],
    ['version is not', (json) => void delete json['version'], 'version is not'],
    ['no entries', (json) => void delete json['entries'], 'entries is not a list'],
    ['too many entries', (json) => void (json['entries'] = Array.from({ length: 500_001 }, () => 0)), 'more than'],
  ])('refuses %s', (_, change, what) => {
    expect(() => parseIndex(changed(change))).toThrow(
      expect.objectContaining({ code: 'ARCHIVE_INVALID', message: expect.stringContaining(what) }),
    )
  })

  it.each<[string, (json: Json) => void, string]>([
    ['a version of tomorrow', (json) => void (json['version'] = 2), 'version 2'],
    ['features that it does not know', (json) => void (json['features'] = ['parity', 'deltas']), '"parity", "deltas"'],
  ])('says that it cannot read %s', (_, change, what) => {
    expect(() => parseIndex(changed(change))).toThrow(
      expect.objectContaining({
        code: 'UNSUPPORTED',
        message: expect.stringContaining(what),
        hint: expect.stringContaining('newer'),
      }),
    )
  })

  it.each([
    ['text that is no JSON', Buffer.from('{"version":1')],
    ['bytes that are no text', Buffer.from([0x22, 0xff, 0x22])],
    ['JSON that is no object', Buffer.from('[1]')],
    ['more bytes than an index has', Buffer.alloc(128 * 1024 * 1024 + 1, ' ')],
    ['nothing', Buffer.alloc(0)],
  ])('refuses %s', (_, bytes) => {
    expect(() => parseIndex(bytes)).toThrow(expect.objectContaining({ code: 'ARCHIVE_INVALID' }))
  })

  it('answers any change of an index with an index whose entries are apart, or an AirliftError', () => {
    const { bytes } = written()
    const change = fc.tuple(fc.nat(bytes.length - 1), fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 1 }))
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        const copy = Buffer.from(bytes)
        for (const [at, character] of changes) copy.write(character, at)
        try {
          const { entries, volume } = parseIndex(copy)
          let end = bytes.length
          for (const { offset, size } of entries) {
            expect(offset).toBeGreaterThan(end)
            end = offset + size
          }
          expect(end).toBeLessThan(volume.size)
        } catch (error) {
          if (!isAirliftError(error)) throw error
        }
      }),
      { numRuns: 500 },
    )
  })

  it('answers any JSON with an index or an AirliftError', () => {
    fc.assert(
      fc.property(
        fc.record({
          version: fc.constant(1),
          features: fc.constant([]),
          volume: fc.jsonValue(),
          volumes: fc.jsonValue(),
          images: fc.jsonValue(),
          entries: fc.jsonValue(),
        }),
        (json) => {
          expect(() => parseIndex(Buffer.from(JSON.stringify(json)))).toThrow(
            expect.objectContaining({ code: 'ARCHIVE_INVALID' }),
          )
        },
      ),
    )
  })

  it('keeps what an archive continues', () => {
    const continues = { id: someDigest('earlier'), sequence: 3 }
    const bytes = changed((json) => void Object.assign(json['archive'] as Json, { sequence: 4, continues }))

    expect(parseIndex(bytes).archive).toEqual({ id: CONTENT.identity.id, sequence: 4, continues })
  })
})
