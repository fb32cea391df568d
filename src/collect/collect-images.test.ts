import { describe, expect, it } from 'vitest'
import { AirliftError } from '../base/errors.ts'
import type { ImageSource } from '../content/ports.ts'
import { MemoryRegistry, sourceOf } from '../../test/support/memory-registry.ts'
import { collected, wanted } from '../../test/support/planned-images.ts'
import { attachReferrer, attachSignature, randomImage, randomIndex } from '../../test/support/random-image.ts'
import { collectImages } from './collect-images.ts'
import type { CollectOptions } from './collect-images.ts'

const PLATFORMS = [
  { os: 'linux', architecture: 'amd64' },
  { os: 'linux', architecture: 'arm64', variant: 'v8' },
]

function options(source: MemoryRegistry, overrides: Partial<CollectOptions> = {}): CollectOptions {
  return {
    signal: new AbortController().signal,
    createdAt: '2026-01-16T11:15:20Z',
    source: async (place) => sourceOf(source, place),
    takesSignatures: () => true,
    blockedBases: [],
    blocked: [],
    checkPolicy: async () => undefined,
    onCollected: () => undefined,
    ...overrides,
  }
}

describe('collectImages', () => {
  it('pins a tag, and reads every instance of an index', async () => {
    const source = new MemoryRegistry()
    const index = randomIndex({ seed: 1, platforms: PLATFORMS })
    source.add('a/one', index, 'v1')

    const { images, manifests, unresolved } = await collected(source, [wanted('a/one')])

    expect(images.map(({ root }) => root.digest)).toEqual([index.manifest.descriptor.digest])
    expect(manifests.size).toBe(3)
    expect(unresolved).toEqual([])
  })

  it('reads only the instances that are asked for, whatever their variant', async () => {
    const source = new MemoryRegistry()
    source.add('a/one', randomIndex({ seed: 1, platforms: PLATFORMS }), 'v1')

    const { manifests } = await collected(source, [
      wanted('a/one', 'v1', { platforms: [{ os: 'linux', architecture: 'arm64' }] }),
    ])

    expect(manifests.size).toBe(2)
  })

  it.each([
    ['a tag that is not there', wanted('a/one', 'nope'), 'MANIFEST_UNKNOWN'],
    [
      'a platform that no instance has',
      wanted('a/one', 'v1', { platforms: [{ os: 'linux', architecture: 'ppc64le' }] }),
      'PLATFORM_ABSENT',
    ],
  ])('sets %s apart, and goes on', async (_, bad, code) => {
    const source = new MemoryRegistry()
    source.add('a/one', randomIndex({ seed: 1, platforms: PLATFORMS }), 'v1')

    const { images, unresolved } = await collected(source, [bad, wanted('a/one')])

    expect(unresolved).toEqual([expect.objectContaining({ name: bad.name, error: expect.objectContaining({ code }) })])
    expect(images).toHaveLength(1)
  })

  it('finds signatures of the index and of each instance, and what refers to them', async () => {
    const source = new MemoryRegistry()
    const index = randomIndex({ seed: 1, platforms: PLATFORMS })
    source.add('a/one', index, 'v1')
    const signature = attachSignature(index)
    const sbom = attachReferrer(index)
    source.add('a/one', signature.image, signature.tag)
    source.add('a/one', sbom)
    source.add('a/one', attachReferrer(sbom, { seed: 7 }))

    const { images } = await collected(source, [wanted('a/one')])

    expect(images[0]?.attachments.map(({ role, tag }) => [role, tag])).toEqual([
      ['signature', signature.tag],
      ['referrer', undefined],
      ['referrer', undefined],
    ])
  })

  it('asks at most five times beside each manifest', async () => {
    const source = new MemoryRegistry()
    source.add('a/one', randomImage({ seed: 1 }), 'v1')

    await collected(source, [wanted('a/one')])

    expect(Object.fromEntries(source.calls)).toEqual({ manifest: 4, referrers: 1 })
  })

  it('leaves signatures out where they are not wanted', async () => {
    const source = new MemoryRegistry()
    const image = randomImage({ seed: 1 })
    const signature = attachSignature(image)
    source.add('a/one', image, 'v1')
    source.add('a/one', signature.image, signature.tag)

    const { images } = await collectImages([wanted('a/one')], options(source, { takesSignatures: () => false }))

    expect(images[0]?.attachments).toEqual([])
  })

  it('warns, and keeps the image, where a look-up beside it is refused', async () => {
    const source = new MemoryRegistry()
    source.add('a/one', randomImage({ seed: 1 }), 'v1')
    const refusing = (inner: ImageSource): ImageSource => ({
      ...inner,
      manifest: async (name, call) => {
        if (name.endsWith('.sig')) throw new AirliftError('REGISTRY_REFUSED', 'name unknown')
        return await inner.manifest(name, call)
      },
    })

    const { images, warnings } = await collectImages(
      [wanted('a/one')],
      options(source, { source: async (place) => refusing(sourceOf(source, place)) }),
    )

    expect(images).toHaveLength(1)
    expect(warnings).toEqual([
      expect.stringMatching(/^quay\.example\/a\/one:v1: looking up sha256-\w+\.sig: name unknown$/),
    ])
  })

  it('blocks what is built on an unwanted base, and nothing else', async () => {
    const source = new MemoryRegistry()
    source.add('base', randomImage({ seed: 1, layers: 1, sharedLayers: 1 }), 'v1')
    source.add('built', randomImage({ seed: 2, layers: 3, sharedLayers: 1 }), 'v1')
    source.add('other', randomImage({ seed: 3, layers: 3 }), 'v1')

    const { images, blocked } = await collectImages(
      [wanted('built'), wanted('other')],
      options(source, { blockedBases: [wanted('base')] }),
    )

    expect(images.map(({ repository }) => repository)).toEqual(['other'])
    expect(blocked).toEqual([expect.objectContaining({ by: 'baseImage quay.example/base:v1' })])
  })

  it('sets apart what policy rejects', async () => {
    const source = new MemoryRegistry()
    source.add('a/one', randomImage({ seed: 1 }), 'v1')

    const { unresolved } = await collectImages(
      [wanted('a/one')],
      options(source, { checkPolicy: async () => Promise.reject(new AirliftError('POLICY_REJECTED', 'no signature')) }),
    )

    expect(unresolved).toEqual([
      expect.objectContaining({ error: expect.objectContaining({ code: 'POLICY_REJECTED' }) }),
    ])
  })
})
