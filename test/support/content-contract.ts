/**
 * What every place that content can be put into and taken from does, whatever it is made of.
 *
 * Each test opens a fresh one.
 */
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import type { ContentSink, ContentSource, ManifestSink, TagTable } from '../../src/content/ports.ts'
import type { Descriptor } from '../../src/oci/descriptor.ts'
import { digestOf } from '../../src/oci/digest.ts'
import { attachReferrer, randomBytes, randomImage } from './random-image.ts'
import type { BuiltImage } from './random-image.ts'

export interface ContractSubject extends AsyncDisposable {
  readonly content: ContentSource & ContentSink & TagTable & ManifestSink
}

const { signal } = new AbortController()
const BYTES = randomBytes(300_000, 'contract')
const BLOB = describeBytes(BYTES)

export function contentContract(name: string, open: () => Promise<ContractSubject>): void {
  describe(name, () => {
    it('gives back the bytes that were put', async () => {
      await using subject = await open()

      await subject.content.put(BLOB, Readable.from([BYTES.subarray(0, 7), BYTES.subarray(7)]), { signal })

      expect(await subject.content.has(BLOB, { signal })).toBe(true)
      expect(BYTES.equals(await buffer(await subject.content.open(BLOB, { signal })))).toBe(true)
    })

    it.each([1, 65_537, BYTES.length])('opens a blob from byte %i on', async (offset) => {
      await using subject = await open()
      await subject.content.put(BLOB, Readable.from([BYTES]), { signal })

      const rest = await buffer(await subject.content.open(BLOB, { signal, offset }))

      expect(BYTES.subarray(offset).equals(rest)).toBe(true)
    })

    it('keeps an empty blob', async () => {
      await using subject = await open()
      const empty = describeBytes(Buffer.alloc(0))

      await subject.content.put(empty, Readable.from([]), { signal })

      expect(await subject.content.has(empty, { signal })).toBe(true)
    })

    it('has nothing that was not put, and says so by code', async () => {
      await using subject = await open()

      expect(await subject.content.has(BLOB, { signal })).toBe(false)
      await expect(subject.content.open(BLOB, { signal })).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' })
    })

    it.each([
      ['too few bytes', BYTES.subarray(1)],
      ['too many bytes', Buffer.concat([BYTES, Buffer.alloc(1)])],
      ['other bytes', Buffer.concat([BYTES.subarray(1), Buffer.alloc(1)])],
    ])('refuses %s, and keeps nothing', async (_, bytes) => {
      await using subject = await open()
      const stream = Readable.from([bytes])

      const put = subject.content.put(BLOB, stream, { signal })

      await expect(put).rejects.toMatchObject({ code: expect.stringMatching(/^(?:SIZE|DIGEST)_MISMATCH$/) })
      expect(await subject.content.has(BLOB, { signal })).toBe(false)
      expect(stream.destroyed).toBe(true)
    })

    it('passes on why a stream broke, and keeps nothing', async () => {
      await using subject = await open()
      const cut = Readable.from(
        (async function* () {
          yield BYTES.subarray(0, 1000)
          throw new Error('cut')
        })(),
      )

      await expect(subject.content.put(BLOB, cut, { signal })).rejects.toThrow('cut')
      expect(await subject.content.has(BLOB, { signal })).toBe(false)
    })

    it('finds a manifest by tag and by digest, byte for byte', async () => {
      await using subject = await open()
      const image = randomImage({ seed: 1 })

      await putImage(subject, image, 'v1')

      for (const name of ['v1', image.manifest.descriptor.digest]) {
        const found = await subject.content.manifest(name, { signal })
        expect(found?.descriptor).toEqual(image.manifest.descriptor)
        expect(Buffer.from(found?.bytes ?? []).equals(Buffer.from(image.manifest.bytes))).toBe(true)
        expect(await subject.content.head(name, { signal })).toEqual(image.manifest.descriptor)
      }
    })

    it('knows no manifest by a name that nobody gave', async () => {
      await using subject = await open()

      for (const name of ['v1', BLOB.digest]) {
        expect(await subject.content.manifest(name, { signal })).toBeUndefined()
        expect(await subject.content.head(name, { signal })).toBeUndefined()
      }
    })

    it('moves a tag, and keeps the earlier manifest by digest', async () => {
      await using subject = await open()
      const [before, after] = [randomImage({ seed: 1 }), randomImage({ seed: 2 })]
      await putImage(subject, before, 'v1')

      await putImage(subject, after, 'v1')

      expect(await subject.content.head('v1', { signal })).toEqual(after.manifest.descriptor)
      expect(await subject.content.head(before.manifest.descriptor.digest, { signal })).toBeDefined()
    })

    it('lists every tag once, and no digest', async () => {
      await using subject = await open()
      for (const tag of ['b', 'a', 'b', undefined]) await putImage(subject, randomImage({ seed: 1 }), tag)

      expect((await Array.fromAsync(subject.content.tags({ signal }))).toSorted()).toEqual(['a', 'b'])
    })

    it('lists what refers to a manifest', async () => {
      await using subject = await open()
      const [image, other] = [randomImage({ seed: 1 }), randomImage({ seed: 2 })]
      const signature = attachReferrer(image)
      for (const each of [image, other, signature]) await putImage(subject, each)

      const found = await subject.content.referrers(image.manifest.descriptor.digest, { signal })

      expect(found.map(({ digest }) => digest)).toEqual([signature.manifest.descriptor.digest])
      expect(await subject.content.referrers(other.manifest.descriptor.digest, { signal })).toEqual([])
    })
  })
}

async function putImage({ content }: ContractSubject, image: BuiltImage, tag?: string): Promise<void> {
  for (const [digest, bytes] of image.blobs) {
    const descriptor = { mediaType: 'application/octet-stream', digest, size: bytes.length }
    await content.put(descriptor, Readable.from([bytes]), { signal })
  }
  for (const manifest of image.manifests) {
    const isRoot = manifest === image.manifest && tag !== undefined
    await content.putManifest(manifest, { signal, ...(isRoot && { tag }) })
  }
}

function describeBytes(bytes: Buffer): Descriptor {
  return { mediaType: 'application/octet-stream', digest: digestOf(bytes), size: bytes.length }
}
