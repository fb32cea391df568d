import { generateKeyPairSync, sign } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { digestOf } from '../oci/digest.ts'
import { parsePublicKey, verifySigstoreSignature } from './sigstore-signature.ts'
import type { SigstoreSignature } from './sigstore-signature.ts'

const PAYLOAD = Buffer.from('{"critical": {}}')
const PAIRS = {
  'ECDSA P-256': generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  'ECDSA P-384': generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  RSA: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  Ed25519: generateKeyPairSync('ed25519'),
} as const

function signPayload(privateKey: KeyObject): SigstoreSignature {
  const signature = sign(privateKey.asymmetricKeyType === 'ed25519' ? null : 'sha256', PAYLOAD, privateKey)
  return {
    layer: {
      mediaType: 'application/vnd.dev.cosign.simplesigning.v1+json',
      digest: digestOf(PAYLOAD),
      annotations: { 'dev.cosignproject.cosign/signature': signature.toString('base64') },
    },
    payload: PAYLOAD,
  }
}

const pem = (key: KeyObject): Buffer => Buffer.from(key.export({ type: 'spki', format: 'pem' }))
const first = PAIRS['ECDSA P-256']
const good = signPayload(first.privateKey)

describe('verifySigstoreSignature', () => {
  it.each(Object.entries(PAIRS))('takes what a %s key signed, whichever of the keys it is', (_, pair) => {
    const keys = Object.values(PAIRS).map(({ publicKey }) => parsePublicKey(pem(publicKey)))

    expect(verifySigstoreSignature(signPayload(pair.privateKey), keys)).toBe(PAYLOAD)
  })

  it.each(Object.entries(PAIRS))('refuses what no %s key signed', (_, { privateKey }) => {
    const { publicKey } =
      privateKey.asymmetricKeyType === 'rsa'
        ? generateKeyPairSync('rsa', { modulusLength: 2048 })
        : generateKeyPairSync('ec', { namedCurve: 'P-256' })

    expect(() => verifySigstoreSignature(signPayload(privateKey), [publicKey])).toThrow('none of the keys')
    expect(() => verifySigstoreSignature(signPayload(privateKey), [])).toThrow('none of the keys')
  })

  it.each<[string, SigstoreSignature, string]>([
    ['another media type', { ...good, layer: { ...good.layer, mediaType: 'text/plain' } }, 'unknown type "text/plain"'],
    ['another payload', { ...good, payload: Buffer.from('{}') }, 'digest of its layer'],
    [
      'another payload that fits its layer',
      { layer: { ...good.layer, digest: digestOf(Buffer.from('{}')) }, payload: Buffer.from('{}') },
      'none of the keys',
    ],
    [
      'no signature',
      { ...good, layer: { mediaType: good.layer.mediaType, digest: good.layer.digest } },
      'missing dev.cosignproject.cosign/signature annotation',
    ],
    [
      'a signature that is no base64',
      { ...good, layer: { ...good.layer, annotations: { 'dev.cosignproject.cosign/signature': '%' } } },
      'not base64',
    ],
    [
      'a signature that is no signature',
      { ...good, layer: { ...good.layer, annotations: { 'dev.cosignproject.cosign/signature': 'AAAA' } } },
      'none of the keys',
    ],
  ])('refuses %s', (_, signature, message) => {
    expect(() => verifySigstoreSignature(signature, [first.publicKey])).toThrow(message)
  })
})

describe('parsePublicKey', () => {
  it.each([
    ['a private key', first.privateKey.export({ type: 'pkcs8', format: 'pem' })],
    ['two keys', Buffer.concat([pem(first.publicKey), pem(first.publicKey)])],
    ['a key that cannot sign', pem(generateKeyPairSync('x25519').publicKey)],
    ['text', 'key'],
  ])('refuses %s', (_, text) => {
    expect(() => parsePublicKey(Buffer.from(text))).toThrow(Error)
  })
})
