/**
 * Puts built images into any registry, with plain requests of its own: the client under test has no part in it.
 */
import { Agent, request } from 'undici'
import type { Dispatcher } from 'undici'
import { childrenOf } from '../../src/oci/manifest.ts'
import type { Manifest } from '../../src/oci/manifest.ts'
import type { BuiltImage } from './random-image.ts'

export interface PushOptions {
  /** Pushed by its digest alone where absent. */
  readonly tag?: string
  /** PEM of the authority that the registry's certificate is from. */
  readonly ca?: string
  readonly credentials?: { readonly username: string; readonly password: string }
}

/**
 * Blobs first, then manifests, children before parents.
 *
 * @param registryUrl `http://127.0.0.1:5000`, without path.
 */
export async function pushImage(
  registryUrl: string,
  repository: string,
  options: PushOptions & { readonly image: BuiltImage },
): Promise<void> {
  const { image, tag } = options
  const dispatcher = new Agent({ ...(options.ca !== undefined && { connect: { ca: options.ca } }) })
  const headers = authorization(options)
  try {
    const base = `${registryUrl}/v2/${repository}`
    for (const [digest, blob] of image.blobs) {
      const session = await send(dispatcher, `${base}/blobs/uploads/`, { method: 'POST', headers }, [202])
      const location = new URL(session.location, registryUrl)
      location.searchParams.set('digest', digest)
      const type = { 'content-type': 'application/octet-stream' }
      await send(dispatcher, location.href, { method: 'PUT', headers: { ...headers, ...type }, body: blob }, [201])
    }
    for (const manifest of image.manifests) {
      const name = manifest === image.manifest && tag !== undefined ? tag : manifest.descriptor.digest
      await pushManifest(dispatcher, `${base}/manifests/${name}`, { manifest, headers })
    }
  } finally {
    await dispatcher.close()
  }
}

/** Digests that an image needs at a registry: manifests, configurations, layers. */
export function digestsOf(image: BuiltImage): ReadonlySet<string> {
  return new Set(
    image.manifests.flatMap((manifest) => [
      manifest.descriptor.digest,
      ...childrenOf(manifest).map(({ digest }) => digest),
    ]),
  )
}

function pushManifest(
  dispatcher: Dispatcher,
  url: string,
  { manifest, headers }: { readonly manifest: Manifest; readonly headers: Readonly<Record<string, string>> },
): Promise<unknown> {
  const type = { 'content-type': manifest.descriptor.mediaType }
  return send(dispatcher, url, { method: 'PUT', headers: { ...headers, ...type }, body: manifest.bytes }, [201])
}

async function send(
  dispatcher: Dispatcher,
  url: string,
  options: {
    readonly method: 'POST' | 'PUT'
    readonly headers: Readonly<Record<string, string>>
    readonly body?: Uint8Array
  },
  expected: readonly number[],
): Promise<{ readonly location: string }> {
  const { method, headers, body } = options
  const answer = await request(url, { dispatcher, method, headers, ...(body !== undefined && { body }) })
  const text = await answer.body.text()
  if (!expected.includes(answer.statusCode)) throw new Error(`${method} ${url}: ${answer.statusCode} ${text}`)
  return { location: String(answer.headers['location'] ?? '') }
}

function authorization({ credentials }: PushOptions): Record<string, string> {
  if (credentials === undefined) return {}
  const pair = Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')
  return { authorization: `Basic ${pair}` }
}
