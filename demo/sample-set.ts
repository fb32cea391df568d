/**
 * The sample connected side: a small image set of OpenShift's shape, under real
 * names. Layers are random bytes, so nothing about them compresses or repeats
 * that does not in reality.
 */
import { mapLimit } from '../src/base/map-limit.ts'
import { attachReferrer, attachSignature, randomImage, randomIndex } from '../test/support/random-image.ts'
import type { BuiltImage } from '../test/support/random-image.ts'
import { pushImage } from '../test/support/push-image.ts'

export interface SampleImage {
  /** `registry.redhat.io/ubi9/ubi`. */
  readonly name: string
  readonly tag: string
  readonly image: BuiltImage
  /** As the configuration names it: by digest, as releases name their components. */
  readonly isNamedByDigest?: true
  readonly isBlocked?: true
}

const MEBIBYTE = 1024 * 1024
const PLATFORMS = ['amd64', 'arm64', 'ppc64le', 's390x'].map((architecture) => ({ os: 'linux', architecture }))
const COMPONENTS = [
  'etcd',
  'cli',
  'console',
  'coredns',
  'haproxy-router',
  'hyperkube',
  'installer',
  'pod',
  'prometheus',
]

export function sampleSet(): readonly SampleImage[] {
  const components = COMPONENTS.map((component, index): SampleImage => ({
    name: 'quay.io/openshift-release-dev/ocp-v4.0-art-dev',
    tag: `4.18.1-${component}`,
    image: randomImage({ seed: index, layers: 4, sharedLayers: 2, bytes: MEBIBYTE, mediaTypes: 'docker' }),
    isNamedByDigest: true,
  }))
  return [
    ...components,
    {
      name: 'registry.redhat.io/ubi9/ubi',
      tag: '9.6',
      image: randomIndex({ seed: 20, platforms: PLATFORMS, layers: 1, bytes: MEBIBYTE }),
    },
    {
      name: 'registry.redhat.io/openshift4/ose-cli-rhel9',
      tag: 'v4.18',
      image: randomIndex({
        seed: 21,
        platforms: PLATFORMS.slice(0, 2),
        layers: 3,
        bytes: MEBIBYTE,
        mediaTypes: 'docker',
      }),
    },
    {
      name: 'quay.io/openshift/origin-cli',
      tag: '4.18',
      image: randomImage({ seed: 22, layers: 4, sharedLayers: 2, bytes: MEBIBYTE }),
    },
    { name: 'quay.io/prototypes/unwanted', tag: 'latest', image: randomImage({ seed: 23 }), isBlocked: true },
  ]
}

/** Puts the set where `registries.conf` looks for it: one registry, a first path component for each real host. */
export async function fillRegistry(url: string, set: readonly SampleImage[]): Promise<void> {
  const { signal } = new AbortController()
  await mapLimit(set, 4, (sample) => push(url, sample), { signal })
}

async function push(url: string, { name, tag, image }: SampleImage): Promise<void> {
  await pushImage(url, name, { image, tag })
  const signature = attachSignature(image, { reference: `${name}:${tag}` })
  await pushImage(url, name, { image: signature.image, tag: signature.tag })
  if (name.startsWith('registry.redhat.io/ubi')) await pushImage(url, name, { image: attachReferrer(image) })
}

/** The image set configuration that asks for it. */
export function imageSetConfiguration(set: readonly SampleImage[]): string {
  const names = set.map(({ name, tag, image, isNamedByDigest }) =>
    isNamedByDigest === true ? `${name}@${image.manifest.descriptor.digest}` : `${name}:${tag}`,
  )
  const blocked = set.filter(({ isBlocked }) => isBlocked === true).map(({ name }) => name)
  return [
    'kind: ImageSetConfiguration',
    'apiVersion: mirror.openshift.io/v2alpha1',
    'mirror:',
    '  additionalImages:',
    ...names.map((name) => `  - name: ${name}`),
    '  blockedImages:',
    ...blocked.map((name) => `  - name: ${name}`),
    '',
  ].join('\n')
}
