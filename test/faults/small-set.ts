/** The image set of the fault tests, at a source that answers slowly enough to be interrupted. */
import { startOurRegistry } from '../support/our-registry.ts'
import type { OurRegistry } from '../support/our-registry.ts'
import { pushImage } from '../support/push-image.ts'
import { attachReferrer, attachSignature, randomImage, randomIndex } from '../support/random-image.ts'
import type { TempDir } from '../support/temp-dir.ts'
import { writeImageSet } from '../support/user-files.ts'

export interface SmallSet extends AsyncDisposable {
  readonly source: OurRegistry
  /** Path of the image set configuration. */
  readonly config: string
}

const PLATFORMS = [
  { os: 'linux', architecture: 'amd64' },
  { os: 'linux', architecture: 'arm64' },
]

/** Three named images with a common base in three repositories, one of them signed and with an SBOM. */
export async function startSmallSet(dir: TempDir): Promise<SmallSet> {
  const source = await startOurRegistry(dir.join('source'), { delayMs: 15 })
  const shape = { layers: 3, sharedLayers: 1, bytes: 300_000 }
  const signed = randomImage({ ...shape, seed: 1 })
  const index = randomIndex({ ...shape, seed: 2, platforms: PLATFORMS })
  const docker = randomImage({ ...shape, seed: 3, mediaTypes: 'docker' })
  await pushImage(source.url, 'app/signed', { image: signed, tag: 'v1' })
  await pushImage(source.url, 'app/signed', attachSignature(signed))
  await pushImage(source.url, 'app/signed', { image: attachReferrer(signed) })
  await pushImage(source.url, 'app/multi', { image: index, tag: 'v1' })
  await pushImage(source.url, 'app/plain', { image: docker, tag: 'v1' })
  const names = ['signed', 'multi', 'plain'].map((name) => `${source.host}/app/${name}:v1`)
  return {
    source,
    config: await writeImageSet(dir.join('isc.yaml'), names),
    [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
  }
}

/** Digests of the blobs that a registry was asked for since its requests were last forgotten. */
export function fetchedBlobs({ requests }: OurRegistry): readonly string[] {
  return requests.flatMap((line) => /^GET .*\/blobs\/(?<digest>[^/?]+)/.exec(line)?.groups?.['digest'] ?? [])
}
