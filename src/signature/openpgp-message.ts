/**
 * Verifies OpenPGP signed messages: the form that simple signing and OpenShift's release signatures have. Pure.
 *
 * The signature must be by one of the given keys, which had to be valid when it was made, and must not have expired.
 * Keys may certify themselves with SHA-1, as Red Hat's key of 2009 does; messages may not be signed with it.
 *
 * Spec: https://www.rfc-editor.org/rfc/rfc9580.html
 */
import { createPublicKey, verify } from 'node:crypto'
import type { Config, PublicKey, Subkey } from 'openpgp'
import { MAX_MESSAGE_SIZE, takeApart } from './openpgp-packets.ts'

type OpenPgp = typeof import('openpgp')

export interface SignedContent {
  readonly content: Uint8Array
  /** 16 hexadecimal digits. */
  readonly keyId: string
  readonly signedAt: Date
}

const ARMORED_KEYS = /-----BEGIN PGP PUBLIC KEY BLOCK-----[^-]*-----END PGP PUBLIC KEY BLOCK-----/g
const MAX_ARMORED_KEYS = 100

/**
 * @param keyrings public keys, binary or armored; several armored blocks, with text between them, may follow each other.
 * @throws {Error} saying why the message is not to be trusted.
 */
export async function verifySignedMessage(
  message: Uint8Array,
  keyrings: readonly Uint8Array[],
  { now }: { readonly now: Date },
): Promise<SignedContent> {
  const { literal, signature } = takeApart(message)
  // Loaded when there is something to verify: it takes 40 ms.
  const openpgp = await import('openpgp')
  const keys = await readKeyrings(openpgp, keyrings)
  if (keys.length === 0) throw new Error('there is no OpenPGP key to verify it with')
  const config = {
    ...openpgp.config,
    maxDecompressedMessageSize: MAX_MESSAGE_SIZE,
    // A key whose owner has renewed its self-signature still verifies what it signed before.
    allowInsecureVerificationWithReformattedKeys: true,
  }
  if (signature[0] === 3)
    return { content: literal, ...(await verifyVersion3({ literal, signature }, keys, { now, config })) }

  const result = await openpgp.verify({
    message: await openpgp.readMessage({ binaryMessage: message, config }),
    verificationKeys: keys,
    format: 'binary',
    date: now,
    config,
  })
  const [checked, ...others] = result.signatures
  if (checked === undefined || others.length > 0) throw new Error('not a message with one signature')
  await checked.verified
  const signedAt = (await checked.signature).packets[0]?.created ?? now
  return { content: result.data, keyId: checked.keyID.toHex(), signedAt }
}

async function readKeyrings(openpgp: OpenPgp, keyrings: readonly Uint8Array[]): Promise<PublicKey[]> {
  const keys: PublicKey[] = []
  for (const keyring of keyrings) {
    const armored = Buffer.from(keyring).toString('latin1').match(ARMORED_KEYS)
    if (armored === null) {
      keys.push(...(await openpgp.readKeys({ binaryKeys: keyring })))
      continue
    }
    if (armored.length > MAX_ARMORED_KEYS) throw new Error(`more than ${MAX_ARMORED_KEYS} keys in one file`)
    for (const block of armored) keys.push(...(await openpgp.readKeys({ armoredKeys: block })))
  }
  return keys
}

const HASHES: ReadonlyMap<number, string> = new Map([
  [8, 'sha256'],
  [9, 'sha384'],
  [10, 'sha512'],
  [11, 'sha224'],
])
const RSA_ALGORITHMS = [1, 3]

/**
 * A version 3 signature covers the content, its own type and its date; it cannot expire.
 *
 * Spec: https://www.rfc-editor.org/rfc/rfc4880.html#section-5.2.2
 */
async function verifyVersion3(
  { literal, signature }: { readonly literal: Uint8Array; readonly signature: Uint8Array },
  keys: readonly PublicKey[],
  { now, config }: { readonly now: Date; readonly config: Config },
): Promise<Pick<SignedContent, 'keyId' | 'signedAt'>> {
  const body = Buffer.from(signature)
  if (body.length < 21) throw new Error('the signature is cut short')
  const [hashedLength, type, algorithm] = [body.readUInt8(1), body.readUInt8(2), body.readUInt8(15)]
  const hash = HASHES.get(body.readUInt8(16))
  const keyId = body.toString('hex', 7, 15)
  const signedAt = new Date(body.readUInt32BE(3) * 1000)
  if (hashedLength !== 5 || type !== 0) throw new Error('the signature is not one over binary data')
  if (!RSA_ALGORITHMS.includes(algorithm) || hash === undefined)
    throw new Error('the signature has an insecure algorithm')
  if (signedAt > now) throw new Error('signature creation time is in the future')

  const signer = await findSigningKey(keys, keyId, { dates: [signedAt, now], config })
  if (signer.getCreationTime() > signedAt) throw new Error('key is newer than the signature')
  const hashed = Buffer.concat([literal, body.subarray(2, 7)])
  const bits = body.readUInt16BE(19)
  const value = body.subarray(21)
  if (value.length !== Math.ceil(bits / 8)) throw new Error('the signature is cut short')
  const { key, size } = rsaKey(signer)
  const padded = Buffer.concat([Buffer.alloc(Math.max(size - value.length, 0)), value])
  if (!verify(hash, hashed, key, padded)) throw new Error('signature verification failed')
  return { keyId, signedAt }
}

/** The key must be able to sign at one of `dates`. */
async function findSigningKey(
  keys: readonly PublicKey[],
  keyId: string,
  { dates, config }: { readonly dates: readonly Date[]; readonly config: Config },
): Promise<PublicKey | Subkey> {
  const candidates = keys.flatMap((key) => key.getKeyIDs().flatMap((id) => (id.toHex() === keyId ? [{ key, id }] : [])))
  let failure: unknown = new Error(`could not find signing key with key ID ${keyId}`)
  for (const { key, id } of candidates) {
    for (const date of dates) {
      try {
        return await key.getSigningKey(id, date, undefined, config)
      } catch (error) {
        failure = error
      }
    }
  }
  throw failure
}

function rsaKey({ keyPacket }: PublicKey | Subkey): {
  readonly key: ReturnType<typeof createPublicKey>
  readonly size: number
} {
  const { n, e } = keyPacket.publicParams as { readonly n?: Uint8Array; readonly e?: Uint8Array }
  if (n === undefined || e === undefined) throw new Error('the signature does not fit the type of its key')
  const [modulus, exponent] = [n, e].map((bytes) => Buffer.from(bytes).toString('base64url'))
  const key = createPublicKey({ key: { kty: 'RSA', n: modulus ?? '', e: exponent ?? '' }, format: 'jwk' })
  return { key, size: n.length }
}
