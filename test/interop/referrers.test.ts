/** What is attached to an image by its subject comes along, whether a registry lists it by API or, as docker-registry, by tag. */
import { Agent, request } from 'undici'
import { expect, it } from 'vitest'
import type { Digest } from '../../src/oci/digest.ts'
import { attachReferrer, randomImage, referrersIndex } from '../support/random-image.ts'
import { tempDir } from '../support/temp-dir.ts'
import { makeCa } from '../support/tls.ts'
import { put, startDistribution, startOurs } from './far-ends.ts'
import type { FarEnd } from './far-ends.ts'
import { mirror } from './mirror.ts'

const ca = await makeCa()

/** Digests that an index at `path` lists; `undefined` where there is none. */
async function listed({ url, host, credentials }: FarEnd, path: string): Promise<readonly string[] | undefined> {
  const { username = '', password = '' } = credentials[host] ?? {}
  const dispatcher = new Agent({ connect: { ca: ca.cert } })
  try {
    const { statusCode, body } = await request(`${url}/v2/far/side/app/${path}`, {
      dispatcher,
      headers: {
        accept: 'application/vnd.oci.image.index.v1+json',
        authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`,
      },
    })
    const answer = (await body.json()) as { readonly manifests?: readonly { readonly digest: string }[] }
    return statusCode === 200 ? answer.manifests?.map(({ digest }) => digest) : undefined
  } finally {
    await dispatcher.close()
  }
}

const byApi = (digest: Digest): string => `referrers/${digest}`
const byTag = (digest: Digest): string => `manifests/${digest.replace(':', '-')}`

it.each([
  ['docker-registry', startDistribution, byTag],
  ['our registry', startOurs, byApi],
])('an SBOM that docker-registry lists by tag is listed at %s', async (_name, startTarget, path) => {
  const image = randomImage({ seed: 1 })
  const sbom = attachReferrer(image)
  const index = referrersIndex(image, [sbom])
  await using dir = await tempDir()
  await using source = await startDistribution(dir.join('source'), ca)
  await using target = await startTarget(dir.join('target'), ca)
  await put(source, 'app', { image, tag: 'v1', ca: ca.cert })
  await put(source, 'app', { ...index, ca: ca.cert })

  await mirror(source, target, { dir, ca, names: ['app:v1'] })

  expect(await listed(target, path(image.manifest.descriptor.digest))).toEqual([sbom.manifest.descriptor.digest])
})

it('an SBOM that our registry lists by its API is listed by tag at docker-registry', async () => {
  const image = randomImage({ seed: 1 })
  const sbom = attachReferrer(image)
  await using dir = await tempDir()
  await using source = await startOurs(dir.join('source'), ca)
  await using target = await startDistribution(dir.join('target'), ca)
  await put(source, 'app', { image, tag: 'v1', ca: ca.cert })
  await put(source, 'app', { image: sbom, ca: ca.cert })

  await mirror(source, target, { dir, ca, names: ['app:v1'] })

  expect(await listed(target, byTag(image.manifest.descriptor.digest))).toEqual([sbom.manifest.descriptor.digest])
})
