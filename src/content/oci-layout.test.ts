import { execFile } from 'node:child_process'
import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { attachReferrer, randomImage, randomIndex } from '../../test/support/random-image.ts'
import type { BuiltImage } from '../../test/support/random-image.ts'
import { tempDir } from '../../test/support/temp-dir.ts'
import type { TempDir } from '../../test/support/temp-dir.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { digestAlgorithm, digestHex, digestOf } from '../oci/digest.ts'
import type { Digest } from '../oci/digest.ts'
import { openLayout } from './oci-layout.ts'

const { signal } = new AbortController()
const options = { signal }
const LINUX = { os: 'linux', architecture: 'amd64' }
const ARM = { os: 'linux', architecture: 'arm64' }

const blobFile = (digest: Digest): string => join('blobs', digestAlgorithm(digest), digestHex(digest))

interface Listed {
  readonly image: BuiltImage
  readonly name?: string
}

async function write(dir: TempDir, name: string, data: string | Uint8Array): Promise<void> {
  await mkdir(dirname(dir.join(name)), { recursive: true })
  await writeFile(dir.join(name), data)
}

async function writeLayout(dir: TempDir, listed: readonly Listed[]): Promise<void> {
  await write(dir, 'oci-layout', '{"imageLayoutVersion":"1.0.0"}')
  for (const { image } of listed) {
    for (const [digest, bytes] of image.blobs) await write(dir, blobFile(digest), bytes)
    for (const { descriptor, bytes } of image.manifests) await write(dir, blobFile(descriptor.digest), bytes)
  }
  await writeIndex(
    dir,
    listed.map(({ image, name }) => ({
      ...image.manifest.descriptor,
      ...(name && { annotations: { 'org.opencontainers.image.ref.name': name } }),
    })),
  )
}

async function writeIndex(dir: TempDir, manifests: readonly object[]): Promise<void> {
  await write(dir, 'index.json', JSON.stringify({ schemaVersion: 2, manifests }))
}

describe('a layout', () => {
  it('with one image gives it by no name, by its name and by its digest', async () => {
    await using dir = await tempDir()
    const image = randomImage({ seed: 1 })
    await writeLayout(dir, [{ image, name: 'v1' }])
    const layout = await openLayout(dir.path, options)

    for (const name of ['', 'v1', image.manifest.descriptor.digest]) {
      expect((await layout.manifest(name, options))?.descriptor).toEqual(image.manifest.descriptor)
      expect(await layout.head(name, options)).toEqual(image.manifest.descriptor)
    }
    expect(await Array.fromAsync(layout.tags(options))).toEqual(['v1'])
  })

  it('with one image under two names has one image', async () => {
    await using dir = await tempDir()
    const image = randomImage({ seed: 1 })
    await writeLayout(dir, [
      { image, name: 'b' },
      { image, name: 'a' },
    ])
    const layout = await openLayout(dir.path, options)

    expect(await layout.head('', options)).toEqual(image.manifest.descriptor)
    expect(await Array.fromAsync(layout.tags(options))).toEqual(['b', 'a'])
  })

  it('with several images is an index of them when no name is given', async () => {
    await using dir = await tempDir()
    const images = [randomImage({ seed: 1 }), randomImage({ seed: 2, platform: ARM })]
    await writeLayout(
      dir,
      images.map((image) => ({ image })),
    )
    const layout = await openLayout(dir.path, options)

    const index = await layout.manifest('', options)

    expect(index).toMatchObject({ kind: 'index', descriptor: { digest: digestOf(index?.bytes ?? Buffer.alloc(0)) } })
    expect(index?.kind === 'index' && index.manifests.map(({ digest }) => digest)).toEqual(
      images.map(({ manifest }) => manifest.descriptor.digest),
    )
    expect(await layout.manifest(index?.descriptor.digest ?? '', options)).toBe(index)
  })

  it('with a nested index gives its instances by digest', async () => {
    await using dir = await tempDir()
    const image = randomIndex({ seed: 1, platforms: [LINUX, ARM] })
    await writeLayout(dir, [{ image, name: 'multi' }])
    const layout = await openLayout(dir.path, options)

    for (const { descriptor } of image.manifests) {
      expect(await layout.head(descriptor.digest, options)).toEqual(descriptor)
    }
  })

  it('opens blobs, from any byte on', async () => {
    await using dir = await tempDir()
    const image = randomImage({ seed: 1, bytes: 50_000 })
    await writeLayout(dir, [{ image }])
    const layout = await openLayout(dir.path, options)

    for (const [digest, bytes] of image.blobs) {
      const content: Descriptor = { mediaType: 'x/y', digest, size: bytes.length }
      expect(bytes.equals(await buffer(await layout.open(content, options)))).toBe(true)
      expect(bytes.subarray(5).equals(await buffer(await layout.open(content, { signal, offset: 5 })))).toBe(true)
    }
  })

  it('lists what refers to an image', async () => {
    await using dir = await tempDir()
    const image = randomImage({ seed: 1 })
    const sbom = attachReferrer(image, { artifactType: 'application/spdx+json' })
    await writeLayout(dir, [{ image }, { image: sbom }])
    const layout = await openLayout(dir.path, options)

    expect(await layout.referrers(image.manifest.descriptor.digest, options)).toEqual([
      { ...sbom.manifest.descriptor, artifactType: 'application/spdx+json' },
    ])
  })

  it('without the marker file is read like one with it', async () => {
    await using dir = await tempDir()
    const image = randomImage({ seed: 1 })
    await writeLayout(dir, [{ image }])
    await rm(dir.join('oci-layout'))

    const layout = await openLayout(dir.path, options)

    expect(await layout.head('', options)).toEqual(image.manifest.descriptor)
  })

  it('does not know what it does not have', async () => {
    await using dir = await tempDir()
    const image = randomImage({ seed: 1 })
    await writeLayout(dir, [{ image }])
    const layout = await openLayout(dir.path, options)
    const absent = digestOf(Buffer.from('absent'))

    expect(await layout.manifest('v2', options)).toBeUndefined()
    expect(await layout.manifest(absent, options)).toBeUndefined()
    await expect(layout.open({ mediaType: 'x/y', digest: absent, size: 1 }, options)).rejects.toMatchObject({
      code: 'BLOB_UNKNOWN',
    })
  })

  it('may keep its blobs elsewhere inside itself, behind links', async () => {
    await using dir = await tempDir()
    const image = randomImage({ seed: 1 })
    await writeLayout(dir, [{ image }])
    await rename(dir.join('blobs'), dir.join('elsewhere'))
    await symlink('elsewhere', dir.join('blobs'))

    const layout = await openLayout(dir.path, options)

    expect(await layout.head('', options)).toEqual(image.manifest.descriptor)
  })
})

describe('openLayout refuses', () => {
  it.each([
    ['a directory without index.json', {}, 'no index.json'],
    ['an index.json that is not JSON', { 'index.json': '{' }, 'cannot be read'],
    ['an index.json without images', { 'index.json': '{"schemaVersion":2,"manifests":[]}' }, 'is empty'],
    ['an index.json that is an image', { 'index.json': imageJson() }, 'lists no images'],
    [
      'a digest that leads elsewhere',
      { 'index.json': indexJson({ digest: 'sha256:../../../etc/passwd' }) },
      'cannot be read',
    ],
    ['a negative size', { 'index.json': indexJson({ size: -1 }) }, 'cannot be read'],
    ['an index.json of 5 MiB', { 'index.json': Buffer.alloc(5 * 1024 * 1024, ' ') }, 'more than'],
    ['a marker of 1 MiB', { 'oci-layout': Buffer.alloc(1024 * 1024, ' ') }, 'more than'],
    ['a marker that is not JSON', { 'oci-layout': 'x' }, 'not JSON'],
    ['another version', { 'oci-layout': '{"imageLayoutVersion":"2.0.0"}' }, 'not 1.x'],
  ])('%s', async (_, files, reason) => {
    await using dir = await tempDir()
    for (const [name, data] of Object.entries(files)) await write(dir, name, data)

    await expect(openLayout(dir.path, options)).rejects.toMatchObject({
      code: 'LAYOUT_INVALID',
      message: expect.stringContaining(reason),
    })
  })

  it('a directory that is not there, and says what to give', async () => {
    await using dir = await tempDir()

    await expect(openLayout(dir.join('absent'), options)).rejects.toMatchObject({
      code: 'LAYOUT_INVALID',
      hint: expect.stringContaining('index.json'),
    })
  })

  it('an index.json that is a link to outside', async () => {
    await using dir = await tempDir()
    await write(dir, 'outside/index.json', indexJson({}))
    await mkdir(dir.join('layout'))
    await symlink('../outside/index.json', dir.join('layout/index.json'))

    await expect(openLayout(dir.join('layout'), options)).rejects.toMatchObject({
      code: 'LAYOUT_INVALID',
      message: expect.stringContaining('outside'),
    })
  })
})

describe('a hostile layout', () => {
  it('cannot lead a blob out of itself', async () => {
    await using dir = await tempDir()
    const secret = Buffer.from('secret')
    const digest = digestOf(secret)
    await write(dir, 'secret', secret)
    await write(dir, 'layout/index.json', indexJson({ digest, size: secret.length }))
    await mkdir(dir.join('layout/blobs/sha256'), { recursive: true })
    await symlink(dir.join('secret'), dir.join('layout', blobFile(digest)))
    const layout = await openLayout(dir.join('layout'), options)

    const content = { mediaType: 'x/y', digest, size: secret.length }
    await expect(layout.open(content, options)).rejects.toMatchObject({ code: 'LAYOUT_INVALID' })
    await expect(layout.manifest('', options)).rejects.toMatchObject({ code: 'LAYOUT_INVALID' })
  })

  it('cannot lie about sizes', async () => {
    await using dir = await tempDir()
    const image = randomImage({ seed: 1 })
    await writeLayout(dir, [{ image }])
    await writeIndex(dir, [{ ...image.manifest.descriptor, size: 17 }])
    const layout = await openLayout(dir.path, options)
    const [[digest, bytes] = []] = [...image.blobs]

    await expect(layout.manifest('', options)).rejects.toMatchObject({ code: 'LAYOUT_INVALID' })
    const content = { mediaType: 'x/y', digest: digest ?? digestOf(Buffer.alloc(0)), size: (bytes?.length ?? 0) + 1 }
    await expect(layout.open(content, options)).rejects.toMatchObject({ code: 'LAYOUT_INVALID' })
  })

  it('cannot pass one manifest off as another', async () => {
    await using dir = await tempDir()
    const [image, other] = [randomImage({ seed: 1 }), randomImage({ seed: 2 })]
    await writeLayout(dir, [{ image }])
    await write(dir, blobFile(image.manifest.descriptor.digest), other.manifest.bytes)
    const layout = await openLayout(dir.path, options)

    await expect(layout.manifest('', options)).rejects.toMatchObject({ code: 'LAYOUT_INVALID' })
  })

  it('cannot make a reader wait for a pipe', async () => {
    await using dir = await tempDir()
    const image = randomImage({ seed: 1 })
    await writeLayout(dir, [{ image }])
    const path = dir.join(blobFile(image.manifest.descriptor.digest))
    await rm(path)
    await promisify(execFile)('mkfifo', [path])
    const layout = await openLayout(dir.path, options)

    await expect(layout.manifest('', options)).rejects.toMatchObject({
      code: 'LAYOUT_INVALID',
      message: expect.stringContaining('regular file'),
    })
  })
})

function indexJson(descriptor: object): string {
  const entry = { ...randomImage({ seed: 1 }).manifest.descriptor, ...descriptor }
  return JSON.stringify({ schemaVersion: 2, manifests: [entry] })
}

function imageJson(): string {
  return Buffer.from(randomImage({ seed: 1 }).manifest.bytes).toString()
}
