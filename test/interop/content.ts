/** What the interop tests copy: every shape of image, in both families of media types. */
import { attachSignature, randomImage, randomIndex } from '../support/random-image.ts'
import type { BuiltImage } from '../support/random-image.ts'

export interface NamedImage {
  readonly repository: string
  readonly tag: string
  readonly image: BuiltImage
}

const PLATFORMS = [
  { os: 'linux', architecture: 'amd64' },
  { os: 'linux', architecture: 'arm64', variant: 'v8' },
  { os: 'linux', architecture: 's390x' },
]

/** Two images and two indexes over a common base; one is signed. */
export function namedImages(): readonly NamedImage[] {
  const shape = { layers: 3, sharedLayers: 1, bytes: 60_000 }
  const signed = randomImage({ ...shape, seed: 1, mediaTypes: 'oci' })
  const signature = attachSignature(signed)
  return [
    { repository: 'team/oci', tag: 'v1', image: signed },
    { repository: 'team/oci', tag: signature.tag, image: signature.image },
    { repository: 'team/docker', tag: 'v1', image: randomImage({ ...shape, seed: 2, mediaTypes: 'docker' }) },
    {
      repository: 'multi/oci',
      tag: 'v1',
      image: randomIndex({ ...shape, seed: 3, mediaTypes: 'oci', platforms: PLATFORMS }),
    },
    {
      repository: 'multi/deep/docker',
      tag: 'v1',
      image: randomIndex({ ...shape, seed: 4, mediaTypes: 'docker', platforms: PLATFORMS }),
    },
  ]
}
