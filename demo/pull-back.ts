/** Pulls an image from a registry with plain requests, and checks every byte against its digest. */
import { childrenOf, parseManifest } from '../src/oci/manifest.ts'
import { digestOf } from '../src/oci/digest.ts'

export interface Pulled {
  readonly manifests: number
  readonly blobs: number
  readonly bytes: number
}

/** @throws where anything is missing or is not what its digest says. */
export async function pullBack(url: string, repository: string, digest: string): Promise<Pulled> {
  const bytes = await get(`${url}/v2/${repository}/manifests/${digest}`, digest)
  const manifest = parseManifest(bytes)
  const pulled = { manifests: 1, blobs: 0, bytes: bytes.length }
  for (const child of childrenOf(manifest)) {
    if (manifest.kind === 'index') {
      const inner = await pullBack(url, repository, child.digest)
      pulled.manifests += inner.manifests
      pulled.blobs += inner.blobs
      pulled.bytes += inner.bytes
    } else {
      pulled.blobs += 1
      pulled.bytes += (await get(`${url}/v2/${repository}/blobs/${child.digest}`, child.digest)).length
    }
  }
  return pulled
}

async function get(url: string, digest: string): Promise<Uint8Array> {
  const accept = 'application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, */*'
  const answer = await fetch(url, { headers: { accept } })
  const bytes = new Uint8Array(await answer.arrayBuffer())
  if (!answer.ok) throw new Error(`${url}: ${answer.status}`)
  if (digestOf(bytes) !== digest) throw new Error(`${url}: content is ${digestOf(bytes)}`)
  return bytes
}
