import { createHash, createPrivateKey, sign } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { deflateRawSync, deflateSync } from 'node:zlib'
import fc from 'fast-check'
import * as openpgp from 'openpgp'
import { beforeAll, describe, expect, it } from 'vitest'
import { verifySignedMessage } from './openpgp-message.ts'

const DAY_MS = 86_400_000
const NOW = new Date('2026-03-01T12:00:00Z')
const TEXT = Buffer.from('{"critical": "ünsigned"}')

interface Signer {
  readonly privateKey: openpgp.PrivateKey
  readonly armored: string
  readonly binary: Uint8Array
}

async function makeSigner(
  options: { readonly created?: Date; readonly lifetimeDays?: number; readonly rsa?: boolean } = {},
): Promise<Signer> {
  const { created = new Date(NOW.getTime() - 10 * DAY_MS), lifetimeDays = 0, rsa = false } = options
  const { privateKey, publicKey } = await openpgp.generateKey({
    userIDs: [{ name: 'Tester', email: 'tester@example.com' }],
    date: created,
    keyExpirationTime: lifetimeDays * (DAY_MS / 1000),
    format: 'object',
    ...(rsa ? { type: 'rsa' as const, rsaBits: 2048 } : { type: 'ecc' as const }),
  })
  return { privateKey, armored: publicKey.armor(), binary: publicKey.write() }
}

async function signText(signer: Signer, date = new Date(NOW.getTime() - DAY_MS)): Promise<Uint8Array> {
  const message = await openpgp.createMessage({ binary: new Uint8Array(TEXT) })
  return openpgp.sign({ message, signingKeys: signer.privateKey, format: 'binary', date })
}

/** A packet with a header of the new format. */
function packet(tag: number, body: Uint8Array): Buffer {
  const header = Buffer.alloc(6)
  header.writeUInt8(0xc0 | tag, 0)
  header.writeUInt8(255, 1)
  header.writeUInt32BE(body.length, 2)
  return Buffer.concat([header, body])
}

function literalPacket(content: Uint8Array): Buffer {
  return packet(11, Buffer.concat([Buffer.from('b\0\0\0\0\0', 'latin1'), content]))
}

interface CraftOptions {
  readonly date: Date
  /** Kind of signature: 0 is over binary data. */
  readonly type?: number
  readonly lifetimeSeconds?: number
}

/** As old versions of GnuPG sign, and Red Hat signed releases until 2022. */
function signVersion3(signer: Signer, { date, type = 0 }: CraftOptions): Buffer {
  const hashed = Buffer.concat([Buffer.from([type]), number(date.getTime() / 1000, 4)])
  const value = sign('sha256', Buffer.concat([TEXT, hashed]), nodeKey(signer))
  const head = Buffer.concat([Buffer.from([3, 5]), hashed, keyIdOf(signer), Buffer.from([1, 8, 0, 0])])
  return signedMessage(signer, Buffer.concat([head, bigNumber(value)]))
}

/** With an expiry of the signature itself, which the library cannot give. */
function signVersion4(signer: Signer, { date, lifetimeSeconds = 0 }: CraftOptions): Buffer {
  const subpackets = Buffer.concat([
    Buffer.from([5, 2]),
    number(date.getTime() / 1000, 4),
    Buffer.from([5, 3]),
    number(lifetimeSeconds, 4),
  ])
  const hashed = Buffer.concat([Buffer.from([4, 0, 1, 8]), number(subpackets.length, 2), subpackets])
  const trailer = Buffer.concat([Buffer.from([4, 255]), number(hashed.length, 4)])
  const content = Buffer.concat([TEXT, hashed, trailer])
  const unhashed = Buffer.concat([Buffer.from([0, 10, 9, 16]), keyIdOf(signer)])
  const left = createHash('sha256').update(content).digest().subarray(0, 2)
  const value = bigNumber(sign('sha256', content, nodeKey(signer)))
  return signedMessage(signer, Buffer.concat([hashed, unhashed, left, value]))
}

function signedMessage(signer: Signer, signature: Buffer): Buffer {
  const type = signature[signature[0] === 3 ? 2 : 1] ?? 0
  const onePass = Buffer.concat([Buffer.from([3, type, 8, 1]), keyIdOf(signer), Buffer.from([1])])
  return Buffer.concat([packet(4, onePass), literalPacket(TEXT), packet(2, signature)])
}

function keyIdOf({ privateKey }: Signer): Buffer {
  return Buffer.from(privateKey.getKeyID().toHex(), 'hex')
}

function number(value: number, width: number): Buffer {
  const bytes = Buffer.alloc(width)
  bytes.writeUIntBE(value, 0, width)
  return bytes
}

function bigNumber(value: Buffer): Buffer {
  const start = value.findIndex((byte) => byte !== 0)
  const bytes = value.subarray(start)
  return Buffer.concat([number(bytes.length * 8 - Math.clz32(bytes[0] ?? 0) + 24, 2), bytes])
}

/** The RSA key of `signer`, for signing by hand. OpenPGP and JWK count the two primes the other way round. */
function nodeKey({ privateKey }: Signer): KeyObject {
  const packet = privateKey.keyPacket as unknown as Record<'publicParams' | 'privateParams', Record<string, Uint8Array>>
  const { n, e, d, p, q, u } = { ...packet.publicParams, ...packet.privateParams }
  const value = (bytes?: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes ?? []).toString('hex')}`)
  const reduced = (prime?: Uint8Array): Buffer => {
    const hex = (value(d) % (value(prime) - 1n)).toString(16)
    return Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex')
  }
  const members = { n, e, d, p: q, q: p, dp: reduced(q), dq: reduced(p), qi: u }
  const encoded = Object.entries(members).map(([name, bytes]) => [name, Buffer.from(bytes ?? []).toString('base64url')])
  return createPrivateKey({ key: { kty: 'RSA', ...Object.fromEntries(encoded) }, format: 'jwk' })
}

let signer: Signer
let other: Signer
let rsa: Signer
beforeAll(async () => {
  ;[signer, other, rsa] = await Promise.all([makeSigner(), makeSigner(), makeSigner({ rsa: true })])
})

describe('verifySignedMessage', () => {
  it('gives the content, the key and the date of a good message', async () => {
    const message = await signText(signer)

    const result = await verifySignedMessage(message, [other.binary, signer.binary], { now: NOW })

    expect(Buffer.from(result.content)).toEqual(TEXT)
    expect(result.keyId).toBe(signer.privateKey.getKeyID().toHex())
    expect(result.signedAt).toEqual(new Date(NOW.getTime() - DAY_MS))
  })

  it('finds keys in several armored blocks with text between them', async () => {
    const keyring = Buffer.from(`The following keys\n\n${other.armored}\nand\n${signer.armored}\n`)

    const { content } = await verifySignedMessage(await signText(signer), [keyring], { now: NOW })

    expect(Buffer.from(content)).toEqual(TEXT)
  })

  it.each([
    ['raw deflate', 1, (bytes: Uint8Array) => deflateRawSync(bytes)],
    ['zlib', 2, (bytes: Uint8Array) => deflateSync(bytes)],
    ['nothing', 0, (bytes: Uint8Array) => Buffer.from(bytes)],
  ])('reads a message compressed with %s', async (_, algorithm, compress) => {
    const message = Buffer.concat([Buffer.from([0xa3, algorithm]), compress(await signText(signer))])

    const { content } = await verifySignedMessage(message, [signer.binary], { now: NOW })

    expect(Buffer.from(content)).toEqual(TEXT)
  })

  it('refuses a signature by another key', async () => {
    await expect(verifySignedMessage(await signText(signer), [other.binary], { now: NOW })).rejects.toThrow(
      /could not find signing key/i,
    )
    await expect(verifySignedMessage(await signText(signer), [], { now: NOW })).rejects.toThrow('no OpenPGP key')
  })

  it('refuses content that was changed', async () => {
    const message = Buffer.from(await signText(signer))
    const index = message.indexOf(TEXT)
    message.write('X', index + 2)

    await expect(verifySignedMessage(message, [signer.binary], { now: NOW })).rejects.toThrow(/digest|verification/i)
  })

  it('refuses what was signed in the future, or before its key existed, or after that expired', async () => {
    const shortLived = await makeSigner({ created: new Date(NOW.getTime() - 10 * DAY_MS), lifetimeDays: 2 })
    const expired = await signText(signer, new Date(NOW.getTime() + DAY_MS))

    await expect(verifySignedMessage(expired, [signer.binary], { now: NOW })).rejects.toThrow(/future/)
    await expect(
      signText(shortLived).then((message) => verifySignedMessage(message, [shortLived.binary], { now: NOW })),
    ).rejects.toThrow(/expired/i)
  })

  it('refuses a signature that has expired, to the second', async () => {
    const message = signVersion4(rsa, { date: new Date(NOW.getTime() - DAY_MS), lifetimeSeconds: DAY_MS / 1000 })
    const before = new Date(NOW.getTime() - 1000)

    await expect(verifySignedMessage(message, [rsa.binary], { now: before })).resolves.toMatchObject({
      keyId: rsa.privateKey.getKeyID().toHex(),
    })
    await expect(verifySignedMessage(message, [rsa.binary], { now: NOW })).rejects.toThrow(/expired/i)
  })

  it('takes what was signed while the key was valid, though it has expired since', async () => {
    const shortLived = await makeSigner({ created: new Date(NOW.getTime() - 10 * DAY_MS), lifetimeDays: 2 })
    const message = await signText(shortLived, new Date(NOW.getTime() - 9 * DAY_MS))

    await expect(verifySignedMessage(message, [shortLived.binary], { now: NOW })).resolves.toMatchObject({
      keyId: shortLived.privateKey.getKeyID().toHex(),
    })
  })

  it.each([
    ['an unsigned message', () => literalPacket(TEXT)],
    ['two texts', async () => Buffer.concat([literalPacket(TEXT), await signText(signer)])],
    ['two signatures', async () => Buffer.concat([await signText(signer), packet(2, Buffer.alloc(40))])],
    ['armored text', () => Buffer.from('-----BEGIN PGP SIGNED MESSAGE-----')],
    ['nothing', () => Buffer.alloc(0)],
    ['a message cut short', async () => (await signText(signer)).subarray(0, -1)],
    ['a message too large', () => Buffer.alloc(5 * 1024 * 1024)],
    [
      'a message that grows too large',
      () => Buffer.concat([Buffer.from([0xa3, 1]), deflateRawSync(literalPacket(Buffer.alloc(8 * 1024 * 1024)))]),
    ],
  ])('refuses %s', async (_, make) => {
    await expect(verifySignedMessage(await make(), [signer.binary], { now: NOW })).rejects.toThrow(Error)
  })

  it('ends with an error for any bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), async (bytes) => {
        await expect(verifySignedMessage(bytes, [signer.binary], { now: NOW })).rejects.toThrow(Error)
      }),
    )
  })
})

describe('a signature of version 3', () => {
  const date = new Date(NOW.getTime() - DAY_MS)

  it('is verified', async () => {
    const result = await verifySignedMessage(signVersion3(rsa, { date }), [rsa.binary], { now: NOW })

    expect(Buffer.from(result.content)).toEqual(TEXT)
    expect(result).toMatchObject({ keyId: rsa.privateKey.getKeyID().toHex(), signedAt: date })
  })

  it('is refused over changed content, with a changed date, and by another key', async () => {
    const message = signVersion3(rsa, { date })
    const changed = Buffer.from(message)
    changed.write('X', changed.indexOf(TEXT) + 2)
    const moved = Buffer.from(message)
    const created = moved.lastIndexOf(Buffer.from([3, 5, 0])) + 3
    moved.writeUInt32BE(moved.readUInt32BE(created) - 60, created)
    const stranger = await makeSigner({ rsa: true })

    await expect(verifySignedMessage(changed, [rsa.binary], { now: NOW })).rejects.toThrow('verification failed')
    await expect(verifySignedMessage(moved, [rsa.binary], { now: NOW })).rejects.toThrow('verification failed')
    await expect(verifySignedMessage(message, [stranger.binary], { now: NOW })).rejects.toThrow('could not find')
  })

  it.each([
    ['of text', { date, type: 1 }, 'not one over binary data'],
    ['from the future', { date: new Date(NOW.getTime() + DAY_MS) }, 'in the future'],
    ['older than its key', { date: new Date(NOW.getTime() - 20 * DAY_MS) }, 'newer than the signature'],
  ])('is refused where it is %s', async (_, options, message) => {
    await expect(verifySignedMessage(signVersion3(rsa, options), [rsa.binary], { now: NOW })).rejects.toThrow(message)
  })

  it('is refused by a key that is not RSA', async () => {
    const message = signVersion3(rsa, { date })
    const forged = Buffer.from(message)
    keyIdOf(signer).copy(forged, forged.lastIndexOf(keyIdOf(rsa)))

    await expect(verifySignedMessage(forged, [signer.binary], { now: NOW })).rejects.toThrow('does not fit the type')
  })
})
