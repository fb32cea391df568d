import { describe, expect, it } from 'vitest'
import { someDigest } from '../../test/support/archive-contents.ts'
import { digestHex } from '../oci/digest.ts'
import { blobEntryName, INDEX_NAME, isSafeName, linkEntries, PLAN_NAME, voidName, volumeName } from './entry-names.ts'

const [LAYER, MANIFEST, SIGNATURE] = [someDigest('layer'), someDigest('manifest'), someDigest('signature')]
const [LAYER_HEX, MANIFEST_HEX, SIGNATURE_HEX] = [digestHex(LAYER), digestHex(MANIFEST), digestHex(SIGNATURE)]
const ROOT = 'docker/registry/v2'
const IMAGE = {
  id: 'ns/a:v1',
  repository: 'ns/a',
  layers: [LAYER],
  manifests: [MANIFEST, SIGNATURE],
  tags: [
    ['v1', MANIFEST],
    [`sha256-${MANIFEST_HEX}.sig`, SIGNATURE],
  ],
} as const

describe('linkEntries', () => {
  it('writes the links that the original needs, whose content is the digest without a line break', () => {
    const repository = `${ROOT}/repositories/ns/a`
    const tags = `${repository}/_manifests/tags`
    const signature = `sha256-${MANIFEST_HEX}.sig`

    expect(linkEntries([IMAGE]).map(({ name, bytes }) => [name, Buffer.from(bytes).toString()])).toEqual(
      [
        [`${repository}/_layers/sha256/${LAYER_HEX}/link`, LAYER],
        [`${repository}/_manifests/revisions/sha256/${MANIFEST_HEX}/link`, MANIFEST],
        [`${repository}/_manifests/revisions/sha256/${SIGNATURE_HEX}/link`, SIGNATURE],
        [`${tags}/${signature}/current/link`, SIGNATURE],
        [`${tags}/${signature}/index/sha256/${SIGNATURE_HEX}/link`, SIGNATURE],
        [`${tags}/v1/current/link`, MANIFEST],
        [`${tags}/v1/index/sha256/${MANIFEST_HEX}/link`, MANIFEST],
      ].toSorted(([a = ''], [b = '']) => (a < b ? -1 : 1)),
    )
  })

  it('writes a link that two images need once, for both', () => {
    const other = { ...IMAGE, id: 'ns/a:v0', manifests: [], tags: [['v0', MANIFEST]] } as const

    const links = linkEntries([IMAGE, other])

    expect(links.filter(({ images }) => images.length === 2).map(({ name, images }) => [name, images])).toEqual([
      [`${ROOT}/repositories/ns/a/_layers/sha256/${LAYER_HEX}/link`, ['ns/a:v0', 'ns/a:v1']],
    ])
  })

  it('does not depend on the order of images', () => {
    const other = { ...IMAGE, id: 'ns/b:v1', repository: 'ns/b' }

    expect(linkEntries([other, IMAGE])).toEqual(linkEntries([IMAGE, other]))
  })

  it.each([{ repository: '../up' }, { tags: [['../up', MANIFEST]] as const }])(
    'refuses a name that leads elsewhere: %j',
    (part) => {
      expect(() => linkEntries([{ ...IMAGE, ...part }])).toThrow(expect.objectContaining({ code: 'NAME_INVALID' }))
    },
  )
})

describe('names', () => {
  it('gives blobs the names of distribution', () => {
    expect(blobEntryName(LAYER)).toBe(`${ROOT}/blobs/sha256/${LAYER_HEX.slice(0, 2)}/${LAYER_HEX}/data`)
  })

  it.each([
    [1, 'mirror_000001.tar'],
    [999_999, 'mirror_999999.tar'],
  ])('gives volume %i the name %s', (number, name) => {
    expect(volumeName(number)).toBe(name)
  })

  it.each([INDEX_NAME, PLAN_NAME, voidName(0)])('gives %s nothing that the original looks for', (name) => {
    expect(name).not.toMatch(/mirror_|working-dir|docker\/registry\/v2/)
    expect(isSafeName(name)).toBe(true)
  })

  it.each(['', '/a', 'a/', 'a//b', './a', 'a/../b', '..', 'a\u0000b', 'a\nb', 'a\u007f', 'n'.repeat(4097)])(
    'takes %j for no safe name',
    (name) => {
      expect(isSafeName(name)).toBe(false)
    },
  )
})
