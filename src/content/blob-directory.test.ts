import { mkdir, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { attachReferrer, randomBytes, randomImage } from '../../test/support/random-image.ts'
import type { BuiltImage } from '../../test/support/random-image.ts'
import { tempDir } from '../../test/support/temp-dir.ts'
import type { TempDir } from '../../test/support/temp-dir.ts'
import { digestHex, digestOf } from '../oci/digest.ts'
import type { Digest } from '../oci/digest.ts'
import { openBlobDirectory, openBlobStore } from './blob-directory.ts'
import type { BlobStore, RepositoryStore, UploadSession } from './blob-store.ts'

const { signal } = new AbortController()
const options = { signal }
const BYTES = randomBytes(100_000, 'blob-directory')
const DIGEST = digestOf(BYTES)
const HEX = digestHex(DIGEST)

const stream = (...chunks: readonly Uint8Array[]): AsyncIterable<Uint8Array> => Readable.from(chunks)

async function files(dir: TempDir): Promise<string[]> {
  const entries = await readdir(dir.path, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath}/${entry.name}`.slice(dir.path.length + 1))
    .toSorted()
}

async function putImage(repository: RepositoryStore, image: BuiltImage, tag?: string): Promise<void> {
  for (const [digest, bytes] of image.blobs) {
    await repository.put({ mediaType: 'x/y', digest, size: bytes.length }, Readable.from([bytes]), options)
  }
  for (const manifest of image.manifests) await repository.putManifest(manifest, { signal, ...(tag && { tag }) })
}

async function opened(dir: TempDir): Promise<BlobStore> {
  return openBlobStore(dir.path, options)
}

async function putBlob(repository: RepositoryStore, bytes: Buffer = BYTES): Promise<Digest> {
  const upload = await repository.startUpload(options)
  await upload.append(stream(bytes), options)
  await upload.commit(digestOf(bytes), options)
  return digestOf(bytes)
}

describe('the layout', () => {
  it('is that of distribution', async () => {
    await using dir = await tempDir()
    const image = randomImage({ seed: 1, layers: 1 })

    await putImage((await opened(dir)).repository('team/app'), image, 'v1')

    const v2 = 'docker/registry/v2'
    const root = digestHex(image.manifest.descriptor.digest)
    const blobs = [...image.blobs.keys(), image.manifest.descriptor.digest].map(digestHex)
    expect(await files(dir)).toEqual(
      [
        ...blobs.map((hex) => `${v2}/blobs/sha256/${hex.slice(0, 2)}/${hex}/data`),
        ...[...image.blobs.keys()].map(
          (digest) => `${v2}/repositories/team/app/_layers/sha256/${digestHex(digest)}/link`,
        ),
        `${v2}/repositories/team/app/_manifests/revisions/sha256/${root}/link`,
        `${v2}/repositories/team/app/_manifests/tags/v1/current/link`,
        `${v2}/repositories/team/app/_manifests/tags/v1/index/sha256/${root}/link`,
      ].toSorted(),
    )
    expect(await readFile(dir.join(v2, 'repositories/team/app/_manifests/tags/v1/current/link'), 'utf8')).toBe(
      `sha256:${root}`,
    )
  })

  it('keeps sha512 beside sha256', async () => {
    await using dir = await tempDir()
    const repository = (await opened(dir)).repository('app')
    const digest = digestOf(BYTES, 'sha512')
    const upload = await repository.startUpload({ signal, algorithm: 'sha512' })
    await upload.append(stream(BYTES), options)

    await upload.commit(digest, options)

    expect(await repository.size(digest, options)).toBe(BYTES.length)
    expect(await files(dir)).toContain(
      `docker/registry/v2/blobs/sha512/${digestHex(digest).slice(0, 2)}/${digestHex(digest)}/data`,
    )
  })

  it('follows a link to the digest that it names, as distribution writes for other algorithms', async () => {
    await using dir = await tempDir()
    const repository = (await opened(dir)).repository('app')
    await putBlob(repository)
    const alias = digestOf(BYTES, 'sha512')
    const link = dir.join('docker/registry/v2/repositories/app/_layers/sha512', digestHex(alias), 'link')
    await mkdir(dirname(link), { recursive: true })
    await writeFile(link, DIGEST)

    expect(await repository.size(alias, options)).toBe(BYTES.length)
  })

  it.each(['', '..', '../x', 'a/../b', '/a', 'a//b', 'A', 'a/_layers', 'a\0'])(
    'has no place for "%s"',
    async (name) => {
      await using dir = await tempDir()
      const store = await opened(dir)

      expect(() => store.repository(name)).toThrow(expect.objectContaining({ code: 'NAME_INVALID' }))
    },
  )

  it.each(['..', '.', 'a/b', '../../x', ''])('has no tag "%s"', async (tag) => {
    await using dir = await tempDir()
    const repository = (await opened(dir)).repository('app')
    const { manifest } = randomImage({ seed: 1 })

    await expect(repository.putManifest(manifest, { signal, tag })).rejects.toMatchObject({ code: 'NAME_INVALID' })
    await expect(repository.deleteTag(tag, options)).rejects.toMatchObject({ code: 'NAME_INVALID' })
    expect(await repository.manifest(tag, options)).toBeUndefined()
    expect(await files(dir)).toEqual([])
  })
})

describe('an upload', () => {
  it('takes its bytes in several calls', async () => {
    await using dir = await tempDir()
    const repository = (await opened(dir)).repository('app')
    const upload = await repository.startUpload(options)

    await upload.append(stream(BYTES.subarray(0, 10), BYTES.subarray(10, 1000)), options)
    await (await found(repository, upload.id)).append(stream(BYTES.subarray(1000)), options)
    await upload.commit(DIGEST, options)

    expect(await repository.size(DIGEST, options)).toBe(BYTES.length)
    expect(await repository.upload(upload.id, options)).toBeUndefined()
  })

  it('goes on in another process, from what had arrived', async () => {
    await using dir = await tempDir()
    const upload = await (await opened(dir)).repository('app').startUpload(options)
    await upload.append(stream(BYTES.subarray(0, 70_000)), options)
    const repository = (await opened(dir)).repository('app')

    const again = await found(repository, upload.id)
    expect(again.offset).toBe(70_000)
    await again.append(stream(BYTES.subarray(70_000)), options)
    await again.commit(DIGEST, options)

    expect(await repository.size(DIGEST, options)).toBe(BYTES.length)
  })

  it('is checked against a digest of another algorithm than was announced', async () => {
    await using dir = await tempDir()
    const repository = (await opened(dir)).repository('app')
    const upload = await repository.startUpload(options)
    await upload.append(stream(BYTES), options)

    await upload.commit(digestOf(BYTES, 'sha512'), options)

    expect(await repository.size(digestOf(BYTES, 'sha512'), options)).toBe(BYTES.length)
  })

  it('with another digest leaves nothing', async () => {
    await using dir = await tempDir()
    const repository = (await opened(dir)).repository('app')
    const upload = await repository.startUpload(options)
    await upload.append(stream(BYTES.subarray(1)), options)

    await expect(upload.commit(DIGEST, options)).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' })

    expect(await files(dir)).toEqual([])
    expect(await repository.upload(upload.id, options)).toBeUndefined()
  })

  it('keeps what had arrived when its stream breaks, and shows it to nobody', async () => {
    await using dir = await tempDir()
    const store = await opened(dir)
    const repository = store.repository('app')
    const upload = await repository.startUpload(options)
    async function* cut(): AsyncGenerator<Buffer> {
      yield BYTES.subarray(0, 500)
      throw new Error('cut')
    }

    await expect(upload.append(cut(), options)).rejects.toThrow('cut')

    expect(upload.offset).toBe(500)
    expect((await files(dir)).filter((name) => name.includes('/blobs/') || name.endsWith('/link'))).toEqual([])
    expect(await store.size(DIGEST, options)).toBeUndefined()
  })

  it('takes no more than it may', async () => {
    await using dir = await tempDir()
    const upload = await (await opened(dir)).repository('app').startUpload(options)

    const appended = upload.append(stream(BYTES.subarray(0, 600), BYTES.subarray(600)), { signal, maxSize: 1000 })

    await expect(appended).rejects.toMatchObject({ code: 'SIZE_MISMATCH' })
    expect(upload.offset).toBe(600)
  })

  it('serves one call at a time', async () => {
    await using dir = await tempDir()
    const upload = await (await opened(dir)).repository('app').startUpload(options)
    const gate = Promise.withResolvers<void>()
    async function* slow(): AsyncGenerator<Buffer> {
      await gate.promise
      yield BYTES
    }
    const first = upload.append(slow(), options)

    await expect(upload.append(stream(BYTES), options)).rejects.toMatchObject({ code: 'BLOB_UPLOAD_INVALID' })
    await expect(upload.cancel()).rejects.toMatchObject({ code: 'BLOB_UPLOAD_INVALID' })

    gate.resolve()
    await first
    await upload.commit(DIGEST, options)
  })

  it.each(['', '..', '../../x', 'a'.repeat(36), '00000000-0000-0000-0000-000000000000'])(
    'is not found by the id "%s"',
    async (id) => {
      await using dir = await tempDir()
      const repository = (await opened(dir)).repository('app')

      expect(await repository.upload(id, options)).toBeUndefined()
    },
  )

  it('ends with the reason of an abort, and leaves nothing', async () => {
    await using dir = await tempDir()
    const repository = (await opened(dir)).repository('app')
    const stop = new AbortController()
    const reason = new Error('stopped')
    const endless = new Readable({ read: () => undefined })
    const put = repository.put({ mediaType: 'x/y', digest: DIGEST, size: 5 }, endless, { signal: stop.signal })

    stop.abort(reason)

    await expect(put).rejects.toBe(reason)
    expect(endless.destroyed).toBe(true)
    expect(await files(dir)).toEqual([])
  })
})

describe('a repository', () => {
  it('has a blob of another one once it is linked', async () => {
    await using dir = await tempDir()
    const store = await opened(dir)
    await putBlob(store.repository('a'))
    expect(await store.repository('b').size(DIGEST, options)).toBeUndefined()

    expect(await store.repository('b').link(DIGEST, options)).toBe(true)

    expect(await store.repository('b').size(DIGEST, options)).toBe(BYTES.length)
    expect(await store.repository('b').link(digestOf(Buffer.from('x')), options)).toBe(false)
  })

  it('exists once something is stored in it', async () => {
    await using dir = await tempDir()
    const store = await opened(dir)
    expect(await store.repository('a').exists(options)).toBe(false)

    await putBlob(store.repository('a'))

    expect(await store.repository('a').exists(options)).toBe(true)
    expect(await store.repository('b').exists(options)).toBe(false)
  })

  it('lists tags in ASCII order, from any of them on', async () => {
    await using dir = await tempDir()
    const repository = (await opened(dir)).repository('app')
    const image = randomImage({ seed: 1 })
    for (const tag of ['b', 'B', 'a', '10', '9']) await putImage(repository, image, tag)

    expect(await Array.fromAsync(repository.tags(options))).toEqual(['10', '9', 'B', 'a', 'b'])
    expect(await Array.fromAsync(repository.tags({ signal, after: 'B' }))).toEqual(['a', 'b'])
    expect(await Array.fromAsync(repository.tags({ signal, after: 'A' }))).toEqual(['B', 'a', 'b'])
  })

  it('takes a tag or link that a killed process left unfinished for absent', async () => {
    await using dir = await tempDir()
    const repository = (await opened(dir)).repository('app')
    await putBlob(repository)
    await writeFile(dir.join('docker/registry/v2/repositories/app/_layers/sha256', HEX, 'link'), '')
    await mkdir(dir.join('docker/registry/v2/repositories/app/_manifests/tags/v1/current'), { recursive: true })

    expect(await repository.size(DIGEST, options)).toBeUndefined()
    expect(await Array.fromAsync(repository.tags(options))).toEqual([])
    expect(await repository.link(DIGEST, options)).toBe(true)
    expect(await repository.size(DIGEST, options)).toBe(BYTES.length)
  })

  it('forgets what is deleted, and says whether there was something', async () => {
    await using dir = await tempDir()
    const repository = (await opened(dir)).repository('app')
    const [image, other] = [randomImage({ seed: 1 }), randomImage({ seed: 2 })]
    const { digest } = image.manifest.descriptor
    await putImage(repository, image, 'a')
    await putImage(repository, image, 'b')
    await putImage(repository, other, 'c')
    const [blob] = [...image.blobs.keys()]

    expect(await repository.deleteTag('a', options)).toBe(true)
    expect(await Array.fromAsync(repository.tags(options))).toEqual(['b', 'c'])
    expect(await repository.deleteManifest(digest, options)).toBe(true)
    expect(await Array.fromAsync(repository.tags(options))).toEqual(['c'])
    expect(await repository.manifest(digest, options)).toBeUndefined()
    expect(await repository.deleteBlob(blob ?? DIGEST, options)).toBe(true)

    expect(await repository.deleteTag('a', options)).toBe(false)
    expect(await repository.deleteManifest(digest, options)).toBe(false)
    expect(await repository.deleteBlob(blob ?? DIGEST, options)).toBe(false)
  })

  it('gives out no manifest whose bytes have been changed', async () => {
    await using dir = await tempDir()
    const repository = (await opened(dir)).repository('app')
    const image = randomImage({ seed: 1 })
    await putImage(repository, image, 'v1')
    const hex = digestHex(image.manifest.descriptor.digest)
    const changed = Buffer.from(image.manifest.bytes).toString().replace('"schemaVersion":2', '"schemaVersion":3')
    await writeFile(dir.join('docker/registry/v2/blobs/sha256', hex.slice(0, 2), hex, 'data'), changed)

    await expect(repository.manifest('v1', options)).rejects.toMatchObject({ code: 'DISK_FAILED' })
  })
})

describe('referrers', () => {
  it('are found with artifact type and annotations, and no longer once deleted', async () => {
    await using dir = await tempDir()
    const repository = (await opened(dir)).repository('app')
    const image = randomImage({ seed: 1 })
    const sbom = attachReferrer(image, { artifactType: 'application/spdx+json' })
    const { digest } = image.manifest.descriptor
    await putImage(repository, sbom)
    await putImage(repository, image, 'v1')

    const listed = [{ ...sbom.manifest.descriptor, artifactType: 'application/spdx+json' }]
    expect(await repository.referrers(digest, options)).toEqual(listed)
    await repository.deleteManifest(sbom.manifest.descriptor.digest, options)
    expect(await repository.referrers(digest, options)).toEqual([])
    await putImage(repository, sbom)
    expect(await repository.referrers(digest, options)).toEqual(listed)
  })

  it('are found again without the index, and with a damaged one', async () => {
    await using dir = await tempDir()
    const repository = (await opened(dir)).repository('app')
    const image = randomImage({ seed: 1 })
    await putImage(repository, image, 'v1')
    await putImage(repository, attachReferrer(image, { seed: 2 }))
    await putImage(repository, attachReferrer(image, { seed: 3 }))
    const { digest } = image.manifest.descriptor
    const before = await repository.referrers(digest, options)
    const log = dir.join('airlift/referrers/app/_revisions')
    const text = await readFile(log, 'utf8')

    await writeFile(log, text.slice(0, -40))
    const damaged = await repository.referrers(digest, options)
    await rm(dir.join('airlift'), { recursive: true })
    const without = await repository.referrers(digest, options)

    expect(before).toHaveLength(2)
    expect(damaged).toEqual(before)
    expect(without).toEqual(before)
  })
})

describe('openBlobDirectory', () => {
  it('finds blobs of an existing directory, whichever repository has them', async () => {
    await using dir = await tempDir()
    await putBlob((await opened(dir)).repository('app'))
    const blobs = openBlobDirectory(dir.path)

    expect(await blobs.size(DIGEST, options)).toBe(BYTES.length)
    const rest = await blobs.open({ mediaType: 'x/y', digest: DIGEST, size: BYTES.length }, { signal, offset: 99_990 })
    expect(BYTES.subarray(99_990).equals(await buffer(rest))).toBe(true)
  })

  it('makes nothing, and needs nothing to be there', async () => {
    await using dir = await tempDir()
    const blobs = openBlobDirectory(dir.join('absent'))

    expect(await blobs.size(DIGEST, options)).toBeUndefined()
    await expect(blobs.open({ mediaType: 'x/y', digest: DIGEST, size: 1 }, options)).rejects.toMatchObject({
      code: 'BLOB_UNKNOWN',
    })
    expect(await readdir(dir.path)).toEqual([])
  })
})

it('removes what a killed process left on its way, a day later', async () => {
  await using dir = await tempDir()
  await opened(dir)
  const [old, recent] = [dir.join('airlift/ingest/old'), dir.join('airlift/ingest/recent')]
  await Promise.all([writeFile(old, 'x'), writeFile(recent, 'x')])
  const twoDaysAgo = new Date(Date.now() - 2 * 24 * 60 * 60 * 1000)
  await utimes(old, twoDaysAgo, twoDaysAgo)

  await opened(dir)

  expect(await files(dir)).toEqual(['airlift/ingest/recent'])
})

async function found(repository: RepositoryStore, id: string): Promise<UploadSession> {
  const upload = await repository.upload(id, options)
  if (upload === undefined) throw new Error('no such upload')
  return upload
}
