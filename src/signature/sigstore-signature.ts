/**
 * Signatures as cosign attaches them to images, verified with public keys. Pure.
 *
 * Spec: https://github.com/sigstore/cosign/blob/v2.5.3/specs/SIGNATURE_SPEC.md
 */
import { createPublicKey, verify } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { digestOf } from '../oci/digest.ts'
import type { Descriptor } from '../oci/descriptor.ts'

const SIMPLE_SIGNING_MEDIA_TYPE = 'application/vnd.dev.cosign.simplesigning.v1+json'
const SIGNATURE_ANNOTATION = 'dev.cosignproject.cosign/signature'

/** One layer of a `.sig` manifest, and the bytes it names. */
export interface SigstoreSignature {
  readonly layer: Pick<Descriptor, 'mediaType' | 'digest' | 'annotations'>
  readonly payload: Uint8Array
}

/** @throws {Error} where `bytes` is not one ECDSA, RSA or Ed25519 public key in PEM. */
export function parsePublicKey(bytes: Uint8Array): KeyObject {
  const text = Buffer.from(bytes).toString('latin1')
  const blocks = text.match(/-----BEGIN (?:RSA )?PUBLIC KEY-----/g) ?? []
  if (blocks.length !== 1 || text.match(/-----BEGIN/g)?.length !== 1) throw new Error('not one PEM public key')
  const key = createPublicKey({ key: text, format: 'pem' })
  if (!['ec', 'rsa', 'ed25519'].includes(key.asymmetricKeyType ?? '')) {
    throw new Error(`a ${key.asymmetricKeyType ?? 'unknown'} key cannot verify signatures`)
  }
  return key
}

/**
 * The payload, once one of `keys` has been found to have signed exactly these bytes.
 *
 * @throws {Error} saying why the signature is not to be trusted.
 */
export function verifySigstoreSignature({ layer, payload }: SigstoreSignature, keys: readonly KeyObject[]): Uint8Array {
  if (layer.mediaType !== SIMPLE_SIGNING_MEDIA_TYPE) throw new Error(`signature of unknown type "${layer.mediaType}"`)
  if (digestOf(payload) !== layer.digest) throw new Error('the payload does not have the digest of its layer')
  const encoded = layer.annotations?.[SIGNATURE_ANNOTATION]
  if (encoded === undefined) throw new Error(`missing ${SIGNATURE_ANNOTATION} annotation`)
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(encoded)) throw new Error('the signature is not base64')
  const signature = Buffer.from(encoded, 'base64')
  if (!keys.some((key) => isSignedBy(key, payload, signature))) throw new Error('none of the keys has signed it')
  return payload
}

function isSignedBy(key: KeyObject, payload: Uint8Array, signature: Uint8Array): boolean {
  return verify(key.asymmetricKeyType === 'ed25519' ? null : 'sha256', payload, key, signature)
}
