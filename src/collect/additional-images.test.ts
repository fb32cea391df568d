import { describe, expect, it } from 'vitest'
import { wantedAdditionalImages } from './additional-images.ts'

const HEX = 'a'.repeat(64)
const entry = (name: string, more: object = {}): Parameters<typeof wantedAdditionalImages>[0][number] => ({
  name,
  platforms: [],
  ...more,
})

describe('wantedAdditionalImages', () => {
  it.each([
    [
      'a tag',
      entry('quay.io/a/b:v1'),
      {
        source: 'docker://quay.io/a/b:v1',
        name: 'v1',
        repository: 'a/b',
        tag: 'v1',
        sourceHas: { tag: true, digest: false },
      },
    ],
    ['a transport', entry('docker://quay.io/a/b:v1'), { origin: 'quay.io/a/b:v1', source: 'docker://quay.io/a/b:v1' }],
    [
      'a digest',
      entry(`quay.io/a/b@sha256:${HEX}`),
      { name: `sha256:${HEX}`, tag: `sha256-${HEX}`, sourceHas: { tag: false, digest: true } },
    ],
    [
      'a tag and a digest: pulled by digest, pushed by tag',
      entry(`quay.io/a/b:v1@sha256:${HEX}`),
      {
        source: `docker://quay.io/a/b@sha256:${HEX}`,
        name: `sha256:${HEX}`,
        tag: 'v1',
        sourceHas: { tag: true, digest: true },
      },
    ],
    [
      'a target of its own',
      entry('quay.io/a/b:v1', { targetRepo: 'x/y', targetTag: 't' }),
      { repository: 'x/y', tag: 't' },
    ],
    [
      'a layout',
      entry('oci:///srv/images/tool'),
      { place: { kind: 'layout', name: '/srv/images/tool' }, name: '', repository: 'srv/images/tool', tag: 'latest' },
    ],
    [
      'an official image of Docker Hub',
      entry('docker.io/ubuntu:22.04'),
      { place: { kind: 'repository', registry: 'docker.io', repository: 'library/ubuntu' }, repository: 'ubuntu' },
    ],
    [
      'platforms',
      entry('quay.io/a/b:v1', { platforms: [{ os: 'linux', architecture: 'arm64' }] }),
      { platforms: [{ os: 'linux', architecture: 'arm64' }] },
    ],
  ])('reads %s', (_, image, expected) => {
    expect(wantedAdditionalImages([image])).toEqual([expect.objectContaining(expected)])
  })

  it('takes one image in two spellings once', () => {
    expect(
      wantedAdditionalImages([entry('quay.io/a/b:v1'), entry('docker://quay.io/a/b:v1'), entry('QUAY.io/a/b:v1')]),
    ).toHaveLength(1)
  })

  it('names every entry that is no image', () => {
    expect(() => wantedAdditionalImages([entry('quay.io/a/b'), entry('ubuntu:22.04'), entry('quay.io/ok:v1')])).toThrow(
      expect.objectContaining({
        code: 'REFERENCE_INVALID',
        message: expect.stringMatching(/quay\.io\/a\/b.*tag and digest are empty.*ubuntu:22\.04/s),
      }),
    )
  })
})
