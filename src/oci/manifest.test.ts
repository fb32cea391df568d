import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isAirliftError } from '../base/errors.ts'
import { digestOf } from './digest.ts'
import { childrenOf, parseManifest } from './manifest.ts'
import { MEDIA_TYPE } from './media-type.ts'

const DIGEST = `sha256:${'a'.repeat(64)}`
const blob = (mediaType: string, more: object = {}): object => ({ mediaType, digest: DIGEST, size: 7, ...more })
const image = {
  schemaVersion: 2,
  mediaType: MEDIA_TYPE.ociManifest,
  config: blob(MEDIA_TYPE.ociConfig),
  layers: [blob(MEDIA_TYPE.ociLayerGzip)],
}

function bytesOf(value: unknown): Uint8Array {
  return new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value))
}

describe('parseManifest', () => {
  it('keeps the bytes, and names them by their digest', () => {
    const bytes = bytesOf(`${JSON.stringify(image, undefined, 3)}\n`)

    const manifest = parseManifest(bytes)

    expect(manifest.bytes).toBe(bytes)
    expect(manifest.descriptor).toEqual({
      mediaType: MEDIA_TYPE.ociManifest,
      digest: digestOf(bytes),
      size: bytes.length,
    })
    expect(childrenOf(manifest).map(({ mediaType }) => mediaType)).toEqual([
      MEDIA_TYPE.ociConfig,
      MEDIA_TYPE.ociLayerGzip,
    ])
  })

  it.each([
    ['an index by its own type', { mediaType: MEDIA_TYPE.dockerIndex, manifests: [] }, undefined, 'index'],
    ['an index without a type by its members', { manifests: [] }, undefined, 'index'],
    [
      'an image without a type by the header',
      { config: blob('x'), layers: null },
      `${MEDIA_TYPE.dockerManifest}; charset=utf-8`,
      'image',
    ],
    ['an image without a type by its members', { config: blob('x'), layers: [] }, 'application/octet-stream', 'image'],
  ])('reads %s', (_, value, mediaType, expected) => {
    expect(parseManifest(bytesOf({ schemaVersion: 2, ...value }), { mediaType }).kind).toBe(expected)
  })

  it.each([
    ['schema 1', { schemaVersion: 1, fsLayers: [] }, 'MANIFEST_UNSUPPORTED'],
    ['an unknown type', { mediaType: 'application/vnd.example+json' }, 'MANIFEST_UNSUPPORTED'],
    ['what is not JSON', 'not JSON', 'MANIFEST_INVALID'],
    ['a list', [], 'MANIFEST_INVALID'],
    ['a digest that is none', { ...image, config: blob('x', { digest: 'sha256:../../etc' }) }, 'MANIFEST_INVALID'],
    ['a negative size', { ...image, layers: [blob('x', { size: -1 })] }, 'MANIFEST_INVALID'],
    ['a size beyond all disks', { ...image, layers: [blob('x', { size: 2 ** 52 })] }, 'MANIFEST_INVALID'],
    ['layers that are no list', { ...image, layers: {} }, 'MANIFEST_INVALID'],
    ['more than 4 MiB', ' '.repeat(4 * 1024 * 1024 + 1), 'MANIFEST_TOO_LARGE'],
  ])('refuses %s', (_, value, code) => {
    expect(() => parseManifest(bytesOf(value))).toThrow(expect.objectContaining({ code }))
  })

  it('answers any JSON with a manifest or an AirliftError', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        try {
          parseManifest(bytesOf(value))
        } catch (error) {
          expect(isAirliftError(error)).toBe(true)
        }
      }),
    )
  })
})
