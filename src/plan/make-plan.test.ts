import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { MemoryRegistry } from '../../test/support/memory-registry.ts'
import { BASE, collected, planned, wanted } from '../../test/support/planned-images.ts'
import { randomImage } from '../../test/support/random-image.ts'
import type { Collection } from './collection.ts'
import { makePlan } from './make-plan.ts'
import { NO_FACTS } from './target-facts.ts'

function sourceRegistry(): MemoryRegistry {
  const source = new MemoryRegistry()
  source.add('a/one', randomImage({ seed: 1, layers: 2, bytes: 1000, sharedLayers: 1 }), 'v1')
  source.add('a/two', randomImage({ seed: 2, layers: 2, bytes: 1000, sharedLayers: 1 }), 'v1')
  source.add('b/three', randomImage({ seed: 3, layers: 1 }), 'v1')
  return source
}

const IMAGES = [wanted('a/one'), wanted('a/two'), wanted('b/three')]

describe('makePlan', () => {
  let collection: Collection
  beforeAll(async () => {
    collection = await collected(sourceRegistry(), IMAGES)
  })

  it('counts a shared blob once in the totals, and as fetched by the first image only', () => {
    const { images, totals } = makePlan(collection, BASE, NO_FACTS)

    const [one, two] = images
    expect(one?.bytes.shared).toBeGreaterThan(0)
    expect(two?.bytes).toMatchObject({ mounted: one?.bytes.shared, toFetch: two?.bytes.unique })
    expect(totals.bytes.toFetch).toBe(totals.bytes.total)
    expect(totals.bytes.total).toBe(images.reduce((sum, { bytes }) => sum + bytes.toFetch, 0))
    expect(totals).toMatchObject({ images: 3, present: 0, manifests: 3, blobs: 7 })
  })

  it('counts as reused what an earlier image brings to the same repository', () => {
    const [one, two] = collection.images
    if (one === undefined || two === undefined) throw new Error('two images expected')

    const { images } = makePlan(
      { ...collection, images: [one, { ...two, repository: one.repository, tag: 'v2' }] },
      BASE,
      NO_FACTS,
    )

    expect(images[1]?.bytes).toMatchObject({
      reused: images[0]?.bytes.shared,
      mounted: 0,
      present: 0,
      toFetch: images[1]?.bytes.unique,
    })
  })

  it('does not depend on the order in which images were collected', () => {
    const expected = JSON.stringify(makePlan(collection, BASE, NO_FACTS))

    fc.assert(
      fc.property(fc.shuffledSubarray([...collection.images], { minLength: collection.images.length }), (images) => {
        expect(JSON.stringify(makePlan({ ...collection, images }, BASE, NO_FACTS))).toBe(expected)
      }),
    )
  })

  it('copies releases before operators, and those before additional images', () => {
    const [one, two, three] = collection.images
    if (one === undefined || two === undefined || three === undefined) throw new Error('three images expected')
    const images = [
      { ...one, kind: 'generic' },
      { ...two, kind: 'operatorBundle' },
      { ...three, kind: 'ocpRelease' },
    ] as const

    const plan = makePlan({ ...collection, images }, BASE, NO_FACTS)

    expect(plan.images.map(({ wanted }) => wanted.kind)).toEqual(['ocpRelease', 'generic', 'operatorBundle'])
  })

  it('refuses two images for one target, and plans the first', () => {
    const [one, two] = collection.images
    if (one === undefined || two === undefined) throw new Error('two images expected')

    const plan = makePlan({ ...collection, images: [one, { ...two, repository: one.repository }] }, BASE, NO_FACTS)

    expect(plan.images.map(({ id }) => id)).toEqual(['mirror.example:5000/ns/a/one:v1'])
    expect(plan.unresolved).toEqual([
      expect.objectContaining({
        origin: 'quay.example/a/two:v1',
        error: expect.objectContaining({ code: 'NAME_INVALID' }),
      }),
    ])
  })

  it('plans once what is wanted in two spellings', () => {
    const [one] = collection.images
    if (one === undefined) throw new Error('an image expected')

    const plan = makePlan(
      { ...collection, images: [one, { ...one, origin: 'docker://quay.example/a/one:v1' }] },
      BASE,
      NO_FACTS,
    )

    expect(plan.images).toHaveLength(1)
    expect(plan.unresolved).toEqual([])
  })
})

describe('makePlan with what the target holds', () => {
  it('marks an image that is there whole, and mounts its blobs for others', async () => {
    const target = new MemoryRegistry()
    target.add('ns/a/one', randomImage({ seed: 1, layers: 2, bytes: 1000, sharedLayers: 1 }), 'v1')

    const { plan } = await planned(sourceRegistry(), target, IMAGES)

    const [one, two] = plan.images
    expect(one).toMatchObject({ state: 'present', bytes: { toFetch: 0, mounted: 0, present: one?.bytes.total } })
    expect(two).toMatchObject({ state: 'copy', bytes: { mounted: two?.bytes.shared, toFetch: two?.bytes.unique } })
  })

  it('counts a blob that a killed run left as there', async () => {
    const target = new MemoryRegistry()
    target.add('ns/b/three', { ...randomImage({ seed: 3, layers: 1 }), manifests: [] })

    const { plan } = await planned(sourceRegistry(), target, [wanted('b/three')])

    expect(plan.images[0]).toMatchObject({ state: 'copy', bytes: { toFetch: 0, present: plan.totals.bytes.total } })
  })

  it('asks one question for each manifest, and one for each blob that nobody holds', async () => {
    const target = new MemoryRegistry()

    await planned(sourceRegistry(), target, IMAGES)

    expect(Object.fromEntries(target.calls)).toEqual({ head: 3, has: 7 })
  })
})
