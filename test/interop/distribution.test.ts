/** The command line between Debian's docker-registry and our registry, both with TLS and a password; skopeo judges. */
import { expect, it } from 'vitest'
import { skopeo } from '../support/peers.ts'
import type { PeerOptions } from '../support/peers.ts'
import { storedContent } from '../support/stored-content.ts'
import type { StoredContent } from '../support/stored-content.ts'
import { tempDir } from '../support/temp-dir.ts'
import type { TempDir } from '../support/temp-dir.ts'
import { makeCa } from '../support/tls.ts'
import type { CertificateAuthority } from '../support/tls.ts'
import { namedImages } from './content.ts'
import { put, startDistribution, startOurs } from './far-ends.ts'
import type { FarEnd } from './far-ends.ts'
import { mirror } from './mirror.ts'

const IMAGES = namedImages()
/** Images that a user names; what belongs to them comes along. */
const NAMED = IMAGES.filter(({ tag }) => tag === 'v1')

const ca = await makeCa()

async function fill(registry: FarEnd): Promise<void> {
  for (const { repository, tag, image } of IMAGES) await put(registry, repository, { image, tag, ca: ca.cert })
}

function peer(dir: TempDir, ...registries: readonly FarEnd[]): PeerOptions {
  const credentials = Object.assign({}, ...registries.map((registry) => registry.credentials)) as FarEnd['credentials']
  return { home: dir.join('peer'), ca: ca.cert, credentials }
}

/** The content with every repository below `prefix`. */
function below(prefix: string, content: StoredContent): StoredContent {
  const under = (names: readonly string[]): string[] => names.map((name) => `${prefix}/${name}`)
  return {
    blobs: content.blobs,
    tags: under(content.tags),
    manifests: under(content.manifests),
    layers: under(content.layers),
  }
}

it.each([
  ['docker-registry', startDistribution],
  ['our registry', startOurs],
])('mirrors every kind of image from docker-registry to %s, with equal digests', async (_name, startTarget) => {
  await using dir = await tempDir()
  await using source = await startDistribution(dir.join('source'), ca)
  await using target = await startTarget(dir.join('target'), ca)
  await fill(source)

  await mirror(source, target, { dir, ca, names: NAMED.map(({ repository, tag }) => `${repository}:${tag}`) })

  expect(await storedContent(target.directory)).toEqual(below('far/side', await storedContent(source.directory)))
  for (const { repository, tag, image } of IMAGES) {
    const seen = await skopeo(
      ['inspect', '--raw', `docker://${target.host}/far/side/${repository}:${tag}`],
      peer(dir, target),
    )
    expect(seen.equals(image.manifest.bytes)).toBe(true)
  }
})

it('lets skopeo push every kind of image to our registry, and pull it back', async () => {
  await using dir = await tempDir()
  await using theirs = await startDistribution(dir.join('theirs'), ca)
  await using ours = await startOurs(dir.join('ours'), ca)
  await using back = await startDistribution(dir.join('back'), ca)
  await fill(theirs)

  await copyAll(theirs, ours, dir)
  await copyAll(ours, back, dir)

  const original = await storedContent(theirs.directory)
  expect(await storedContent(ours.directory)).toEqual(original)
  expect(await storedContent(back.directory)).toEqual(original)
})

it.each([
  ['docker-registry', 'ours', startDistribution, startOurs],
  ['our registry', 'docker-registry', startOurs, startDistribution],
])('what %s stored is served by %s', async (_first, _second, startFirst, startSecond) => {
  await using dir = await tempDir()
  await using elsewhere = await startDistribution(dir.join('elsewhere'), ca)
  await serve(startFirst, dir.join('shared'), fill)

  await serve(startSecond, dir.join('shared'), (registry) => copyAll(registry, elsewhere, dir))

  expect(await storedContent(elsewhere.directory)).toEqual(await storedContent(dir.join('shared')))
})

async function serve(
  start: (directory: string, ca: CertificateAuthority) => Promise<FarEnd>,
  directory: string,
  use: (registry: FarEnd) => Promise<void>,
): Promise<void> {
  await using registry = await start(directory, ca)
  await use(registry)
}

async function copyAll(from: FarEnd, to: FarEnd, dir: TempDir): Promise<void> {
  for (const { repository, tag } of IMAGES) {
    const names = [from, to].map(({ host }) => `docker://${host}/${repository}:${tag}`)
    await skopeo(['copy', '--all', '--preserve-digests', ...names], peer(dir, from, to))
  }
}
