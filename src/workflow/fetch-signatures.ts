/**
 * Fetches the signatures that a policy wants to see: cosign's, which stand beside
 * the image, and detached ones from a lookaside server or directory.
 *
 * Spec: https://github.com/containers/image/blob/v5.36.2/docs/signature-protocols.md
 */
import { readFile, stat } from 'node:fs/promises'
import { buffer } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { AirliftError, isSystemError } from '../base/errors.ts'
import { signatureSettings } from '../config/registries-d.ts'
import type { RegistriesD } from '../config/registries-d.ts'
import type { CallOptions, ImageSource } from '../content/ports.ts'
import { VerifyStream } from '../content/verify-stream.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import type { Manifest } from '../oci/manifest.ts'
import type { Reference } from '../oci/reference.ts'
import type { ResolvedImage } from '../plan/collection.ts'
import type { RegistryClient } from '../remote/registry-client.ts'
import type { SigstoreSignature } from '../signature/sigstore-signature.ts'

/** Signatures of one manifest that are looked at, and bytes that one may have. */
const MAX_SIGNATURES = 64
const MAX_SIGNATURE_BYTES = 4 * 1024 * 1024

export interface SignatureSubject {
  readonly image: ResolvedImage
  readonly digest: Digest
  readonly manifests: readonly Manifest[]
}

/** Those of the `.sig` tag of `digest`, whose layers are the signed payloads. */
export async function sigstoreSignatures(
  { image, digest, manifests }: SignatureSubject,
  source: ImageSource,
  options: CallOptions,
): Promise<readonly SigstoreSignature[]> {
  const roots = image.attachments
    .filter(({ subject, role }) => subject === digest && role === 'signature')
    .map(({ root }) => root.digest)
  const layers = manifests
    .filter(({ descriptor }) => roots.includes(descriptor.digest))
    .flatMap((manifest) => (manifest.kind === 'image' ? manifest.layers : []))
    .filter(({ size }) => size <= MAX_SIGNATURE_BYTES)
  return await Promise.all(
    layers.slice(0, MAX_SIGNATURES).map(async (layer) => ({ layer, payload: await readSmall(source, layer, options) })),
  )
}

async function readSmall(source: ImageSource, content: Descriptor, options: CallOptions): Promise<Uint8Array> {
  const verified = new VerifyStream(content)
  const [bytes] = await Promise.all([
    buffer(verified),
    pipeline(await source.open(content, options), verified, options),
  ])
  return bytes
}

/** `signature-1`, `signature-2` … of the lookaside place that `registries.d` names for the image; none without one. */
export async function simpleSignatures(
  reference: Reference,
  digest: Digest,
  options: CallOptions & { readonly registriesD: RegistriesD; readonly client: RegistryClient },
): Promise<readonly Uint8Array[]> {
  const { lookaside } = signatureSettings(options.registriesD, reference)
  if (lookaside === undefined) return []
  const found: Uint8Array[] = []
  while (found.length < MAX_SIGNATURES) {
    const name = `${reference.repository}@${digest.replace(':', '=')}/signature-${found.length + 1}`
    const bytes = await readLookaside(new URL(`${lookaside.replace(/\/$/, '')}/${name}`), options)
    if (bytes === undefined) break
    found.push(bytes)
  }
  return found
}

async function readLookaside(
  url: URL,
  { signal, client }: CallOptions & { readonly client: RegistryClient },
): Promise<Uint8Array | undefined> {
  if (url.protocol !== 'file:') return await client.fetchBytes(url, { signal, maxBytes: MAX_SIGNATURE_BYTES })
  try {
    const path = fileURLToPath(url)
    const { size } = await stat(path)
    if (size > MAX_SIGNATURE_BYTES)
      throw new AirliftError('POLICY_INVALID', `signature ${path} has ${size} bytes, more than ${MAX_SIGNATURE_BYTES}`)
    return await readFile(path, { signal })
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return undefined
    throw error
  }
}
