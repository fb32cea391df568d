import { describe, expect, it } from 'vitest'
import { someDigest, workspaceFile } from '../../test/support/archive-contents.ts'
import { MemoryRegistry } from '../../test/support/memory-registry.ts'
import { collected, wanted } from '../../test/support/planned-images.ts'
import { attachSignature, randomImage, randomIndex } from '../../test/support/random-image.ts'
import type { ArchiveContent } from '../archive/archive-types.ts'
import { blobEntryName } from '../archive/entry-names.ts'
import { layoutArchive } from '../archive/layout.ts'
import { archiveContent, planDigest } from './archive-content.ts'
import type { ArchiveExtras } from './archive-content.ts'
import type { Collection } from './collection.ts'
import { makePlan } from './make-plan.ts'
import type { Plan } from './plan-types.ts'
import { NO_FACTS } from './target-facts.ts'

const DISK = { registry: 'localhost:55000', namespace: '', maxNestedPaths: 0 }
const EXTRAS: ArchiveExtras = { history: new Set(), files: [], identity: { id: someDigest('plan'), sequence: 1 } }
const AMD64 = { os: 'linux', architecture: 'amd64' }
const ARM64 = { os: 'linux', architecture: 'arm64', variant: 'v8' }

const ONE = randomImage({ seed: 1, layers: 2, sharedLayers: 1 })
const TWO = randomImage({ seed: 2, layers: 2, sharedLayers: 1 })
const INDEX = randomIndex({ seed: 3, layers: 1, platforms: [AMD64, ARM64] })
const SIGNATURE = attachSignature(ONE)

async function sample(): Promise<{ readonly plan: Plan; readonly collection: Collection }> {
  const source = new MemoryRegistry()
  source.add('a/one', ONE, 'v1')
  source.add('a/one', SIGNATURE.image, SIGNATURE.tag)
  source.add('a/two', TWO, 'v1')
  source.add('b/index', INDEX, 'v1')
  const images = [wanted('a/one'), wanted('a/two'), wanted('b/index', 'v1', { platforms: [ARM64] })]
  const collection = await collected(source, images)
  return { plan: makePlan(collection, DISK, NO_FACTS), collection }
}

const namesOf = ({ files }: ArchiveContent): string[] => files.map(({ name }) => name)
const digestsOf = ({ blobs }: ArchiveContent): string[] => blobs.map(({ digest }) => digest)

describe('archiveContent', () => {
  it('has every blob and manifest once, with its size and the images that need it', async () => {
    const { plan, collection } = await sample()

    const { blobs } = archiveContent(plan, collection, EXTRAS)

    const expected = new Map(
      [ONE, TWO, SIGNATURE.image].flatMap(({ blobs: own, manifests }) => [
        ...[...own].map(([digest, bytes]) => [digest, bytes.length] as const),
        ...manifests.map(({ descriptor }) => [descriptor.digest, descriptor.size] as const),
      ]),
    )
    for (const [digest, size] of expected) expect(blobs).toContainEqual(expect.objectContaining({ digest, size }))
    expect(new Set(blobs.map(({ digest }) => digest)).size).toBe(blobs.length)
    const shared = blobs.filter(({ images }) => images.length > 1)
    expect(shared.map(({ images }) => images)).toEqual([['a/one:v1', 'a/two:v1']])
  })

  it('takes of an index the platforms that were asked for, and names them', async () => {
    const { plan, collection } = await sample()

    const { images, blobs } = archiveContent(plan, collection, EXTRAS)

    const image = images.find(({ id }) => id === 'b/index:v1')
    expect(image).toMatchObject({ platforms: [ARM64], digest: INDEX.manifest.descriptor.digest, kind: 'generic' })
    expect(image?.content).toHaveLength(4)
    expect(blobs.filter((blob) => blob.images.includes('b/index:v1')).map(({ digest }) => digest)).toEqual(
      image?.content,
    )
  })

  it('names images without a registry, and links their tags and their signatures', async () => {
    const { plan, collection } = await sample()

    const content = archiveContent(plan, collection, EXTRAS)

    expect(content.images.map(({ id }) => id)).toEqual(['a/one:v1', 'a/two:v1', 'b/index:v1'])
    const tags = 'docker/registry/v2/repositories/a/one/_manifests/tags'
    expect(namesOf(content)).toContain(`${tags}/v1/current/link`)
    expect(content.files.find(({ name }) => name === `${tags}/${SIGNATURE.tag}/current/link`)?.bytes).toEqual(
      Buffer.from(SIGNATURE.image.manifest.descriptor.digest),
    )
  })

  it('leaves out what earlier archives hold, and links it all the same', async () => {
    const { plan, collection } = await sample()
    const whole = archiveContent(plan, collection, EXTRAS)
    const history = new Set([...ONE.blobs.keys(), ONE.manifest.descriptor.digest])

    const content = archiveContent(plan, collection, { ...EXTRAS, history })

    expect(digestsOf(content)).toEqual(digestsOf(whole).filter((digest) => !new Set<string>(history).has(digest)))
    expect(digestsOf(content).length).toBe(whole.blobs.length - history.size)
    expect(namesOf(content)).toEqual(namesOf(whole))
    expect(content.images).toEqual(whole.images)
  })

  it('orders files: configuration, plan, workspace, links', async () => {
    const { plan, collection } = await sample()
    const files = ['working-dir/b', 'airlift/plan.json', 'working-dir/a', 'isc_2026-01-16T11:15:20Z'].map((name) =>
      workspaceFile(name),
    )

    const names = namesOf(archiveContent(plan, collection, { ...EXTRAS, files }))

    expect(names.slice(0, 4)).toEqual([
      'isc_2026-01-16T11:15:20Z',
      'airlift/plan.json',
      'working-dir/a',
      'working-dir/b',
    ])
    expect(names.slice(4).every((name) => name.startsWith('docker/registry/v2/repositories/'))).toBe(true)
    expect(names.slice(4)).toEqual(names.slice(4).toSorted())
  })

  it('can be laid out, manifests behind their blobs', async () => {
    const { plan, collection } = await sample()
    const content = archiveContent(plan, collection, EXTRAS)

    const { volumes } = layoutArchive(content, { volumeBytes: 2 ** 30, strict: true, firstVolume: 1 })

    const names = volumes.flatMap(({ entries }) => entries.map(({ name }) => name))
    for (const { blobs, manifest } of [ONE, TWO]) {
      const last = names.indexOf(blobEntryName(manifest.descriptor.digest))
      for (const digest of blobs.keys()) expect(names.indexOf(blobEntryName(digest))).toBeLessThan(last)
    }
  })

  it('passes over platforms that an index makes up', async () => {
    const { plan, collection } = await sample()
    const root = collection.manifests.get(INDEX.manifest.descriptor.digest)
    if (root?.kind !== 'index') throw new Error('an index expected')
    const manifests = root.manifests.map((child) => ({ ...child, platform: { os: 'linux\n', architecture: 'arm64' } }))
    const forged = new Map(collection.manifests).set(root.descriptor.digest, { ...root, manifests })

    const { images } = archiveContent(plan, { ...collection, manifests: forged }, EXTRAS)

    expect(images.find(({ id }) => id === 'b/index:v1')?.platforms).toEqual([])
  })
})

describe('planDigest', () => {
  it('is the same for what brings the same images, whatever the target holds', async () => {
    const { plan, collection } = await sample()
    const [image] = plan.images
    if (image === undefined) throw new Error('an image expected')
    const manifests = new Map([[image.target.repository, new Set([image.root.digest])]])

    expect(planDigest(makePlan(collection, DISK, { ...NO_FACTS, manifests }))).toBe(planDigest(plan))
  })

  it.each<[string, (plan: Plan) => Plan]>([
    ['another time', (plan) => ({ ...plan, createdAt: '2026-01-17T11:15:20Z' })],
    ['an image less', (plan) => ({ ...plan, images: plan.images.slice(1) })],
    [
      'another root',
      (plan) => ({ ...plan, images: plan.images.map((image) => ({ ...image, root: TWO.manifest.descriptor })) }),
    ],
    [
      'another tag',
      (plan) => ({
        ...plan,
        images: plan.images.map((image) => ({ ...image, target: { ...image.target, tag: 'v2' } })),
      }),
    ],
  ])('is another for %s', async (_, change) => {
    const { plan } = await sample()

    expect(planDigest(change(plan))).not.toBe(planDigest(plan))
  })
})
