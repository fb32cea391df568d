import { beforeAll, describe, expect, it } from 'vitest'
import { MemoryRegistry } from '../../test/support/memory-registry.ts'
import { planned, wanted } from '../../test/support/planned-images.ts'
import { randomImage } from '../../test/support/random-image.ts'
import type { WantedImage } from '../plan/collection.ts'
import type { PlannedImage } from '../plan/plan-types.ts'
import { mergeSets, mirrorSets, renderMirrorSets } from './mirror-sets.ts'
import type { MirrorSetKind } from './mirror-sets.ts'
import { readMirrorSets } from './read-mirror-sets.ts'

const METADATA = { createdAt: '2026-01-16T11:15:20Z', version: 'v1.2.3' }

async function images(...list: readonly WantedImage[]): Promise<readonly PlannedImage[]> {
  const source = new MemoryRegistry()
  for (const [seed, { place, name }] of list.entries()) {
    if (place.kind === 'repository') source.add(place.repository, randomImage({ seed }), name)
  }
  return (await planned(source, new MemoryRegistry(), list)).plan.images
}

describe('mirrorSets', () => {
  it.each<[string, WantedImage, MirrorSetKind, boolean, object]>([
    [
      'covers the namespace of an image that keeps its path',
      wanted('a/b/one'),
      'ImageTagMirrorSet',
      true,
      { source: 'quay.example/a/b', mirrors: ['mirror.example:5000/ns/a/b'] },
    ],
    [
      'covers the registry where there is no namespace',
      wanted('one'),
      'ImageTagMirrorSet',
      true,
      { source: 'quay.example', mirrors: ['mirror.example:5000/ns'] },
    ],
    [
      'names the repository of an image that was renamed',
      wanted('a/one', 'v1', { repository: 'other/place' }),
      'ImageTagMirrorSet',
      true,
      { source: 'quay.example/a/one', mirrors: ['mirror.example:5000/ns/other/place'] },
    ],
    [
      'names every repository where paths may be nested',
      wanted('a/one'),
      'ImageTagMirrorSet',
      false,
      { source: 'quay.example/a/one', mirrors: ['mirror.example:5000/ns/a/one'] },
    ],
    [
      'takes a digest for the digest set',
      wanted('a/one', 'v1', { sourceHas: { tag: false, digest: true } }),
      'ImageDigestMirrorSet',
      true,
      { source: 'quay.example/a', mirrors: ['mirror.example:5000/ns/a'] },
    ],
    [
      'takes tag and digest for both sets',
      wanted('a/one', 'v1', { sourceHas: { tag: true, digest: true } }),
      'ImageDigestMirrorSet',
      true,
      { source: 'quay.example/a', mirrors: ['mirror.example:5000/ns/a'] },
    ],
  ])('%s', async (_, image, kind, keepsPaths, entry) => {
    expect(mirrorSets(kind, await images(image), keepsPaths)).toEqual({ generic: [entry] })
  })

  it('leaves a tag out of the digest set, a release excepted', async () => {
    const list = await images(wanted('a/one'), wanted('r/release', 'v1', { kind: 'ocpRelease' }))

    expect(Object.keys(mirrorSets('ImageDigestMirrorSet', list, true))).toEqual(['release'])
  })

  it('has no entry for what a cluster names by its place in the mirror', async () => {
    expect(
      mirrorSets('ImageTagMirrorSet', await images(wanted('a/one', 'v1', { kind: 'operatorCatalog' })), true),
    ).toEqual({})
  })
})

describe('renderMirrorSets', () => {
  let list: readonly PlannedImage[] = []
  beforeAll(async () => {
    list = await images(wanted('b/two'), wanted('a/one'), wanted('op/bundle', 'v1', { kind: 'operatorBundle' }))
  })

  it('writes one document for each category, in a stable order', () => {
    expect(renderMirrorSets('ImageTagMirrorSet', mirrorSets('ImageTagMirrorSet', list, true), METADATA))
      .toMatchInlineSnapshot(`
        "---
        apiVersion: config.openshift.io/v1
        kind: ImageTagMirrorSet
        metadata:
          annotations:
            createdAt: "2026-01-16T11:15:20Z"
            createdBy: oc-mirror v2
            oc-mirror_version: v1.2.3
          name: itms-generic-0
        spec:
          imageTagMirrors:
          - mirrors:
            - mirror.example:5000/ns/a
            source: quay.example/a
          - mirrors:
            - mirror.example:5000/ns/b
            source: quay.example/b
        ---
        apiVersion: config.openshift.io/v1
        kind: ImageTagMirrorSet
        metadata:
          annotations:
            createdAt: "2026-01-16T11:15:20Z"
            createdBy: oc-mirror v2
            oc-mirror_version: v1.2.3
          name: itms-operator-0
        spec:
          imageTagMirrors:
          - mirrors:
            - mirror.example:5000/ns/op
            source: quay.example/op
        "
      `)
  })

  it('is read back as it was', () => {
    const sets = mirrorSets('ImageTagMirrorSet', list, true)

    expect(
      readMirrorSets('ImageTagMirrorSet', renderMirrorSets('ImageTagMirrorSet', sets, METADATA) ?? '', 'itms.yaml'),
    ).toEqual(sets)
  })

  it('writes nothing where there is nothing', () => {
    expect(renderMirrorSets('ImageDigestMirrorSet', {}, METADATA)).toBeUndefined()
  })

  it.each([
    'a: [',
    'kind: ConfigMap',
    '- 1',
    'kind: ImageTagMirrorSet\nmetadata: {name: itms-x-0}\nspec: {imageTagMirrors: [{source: 1}]}',
  ])('refuses a file that is something else: %j', (text) => {
    expect(() => readMirrorSets('ImageTagMirrorSet', text, 'itms.yaml')).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    )
  })
})

it('merges the mirrors of one source', () => {
  const merged = mergeSets(
    { generic: [{ source: 'q/a', mirrors: ['m/2'] }] },
    { generic: [{ source: 'q/a', mirrors: ['m/1', 'm/2'] }], operator: [{ source: 'q/b', mirrors: ['m/3'] }] },
  )

  expect(merged).toEqual({
    generic: [{ source: 'q/a', mirrors: ['m/1', 'm/2'] }],
    operator: [{ source: 'q/b', mirrors: ['m/3'] }],
  })
})
