import { generateKeyPairSync, sign } from 'node:crypto'
import * as openpgp from 'openpgp'
import { beforeAll, describe, expect, it } from 'vitest'
import type { PolicyRequirement, SignedIdentity } from '../config/policy-types.ts'
import { digestOf } from '../oci/digest.ts'
import { parseReference } from '../oci/reference.ts'
import { evaluatePolicy, signaturesWanted } from './evaluate-policy.ts'
import type { PolicyQuestion, Verdict } from './evaluate-policy.ts'
import type { SigstoreSignature } from './sigstore-signature.ts'

const NOW = new Date('2026-03-01T12:00:00Z')
const SIGNED_AT = new Date('2026-02-01T12:00:00Z')
const MANIFEST = digestOf(Buffer.from('manifest'))
const OTHER = digestOf(Buffer.from('other'))
const ANY: PolicyRequirement = { type: 'insecureAcceptAnything' }
const REJECT: PolicyRequirement = { type: 'reject' }

const cosign = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const cosignPem = Buffer.from(cosign.publicKey.export({ type: 'spki', format: 'pem' }))
let gpg: openpgp.PrivateKey
let gpgKey: Uint8Array

beforeAll(async () => {
  const pair = await openpgp.generateKey({ userIDs: { name: 'T' }, date: SIGNED_AT, format: 'object', type: 'ecc' })
  gpg = pair.privateKey
  gpgKey = pair.publicKey.write()
})

function payload(type: string, name: string, digest: string): Buffer {
  const critical = { type, image: { 'docker-manifest-digest': digest }, identity: { 'docker-reference': name } }
  return Buffer.from(JSON.stringify({ critical, optional: {} }))
}

async function simple(name: string, digest: string = MANIFEST): Promise<Uint8Array> {
  const binary = new Uint8Array(payload('atomic container signature', name, digest))
  const message = await openpgp.createMessage({ binary })
  return openpgp.sign({ message, signingKeys: gpg, format: 'binary', date: SIGNED_AT })
}

function sigstore(name: string, digest: string = MANIFEST): SigstoreSignature {
  const bytes = payload('cosign container image signature', name, digest)
  const signature = sign('sha256', bytes, cosign.privateKey).toString('base64')
  return {
    layer: {
      mediaType: 'application/vnd.dev.cosign.simplesigning.v1+json',
      digest: digestOf(bytes),
      annotations: { 'dev.cosignproject.cosign/signature': signature },
    },
    payload: bytes,
  }
}

function signedBy(signedIdentity: SignedIdentity = { type: 'matchRepoDigestOrExact' }): PolicyRequirement {
  return { type: 'signedBy', keyType: 'GPGKeys', keys: [{ path: '/gpg' }], signedIdentity }
}

function sigstoreSigned(signedIdentity: SignedIdentity = { type: 'matchRepository' }): PolicyRequirement {
  return { type: 'sigstoreSigned', trust: 'keys', keys: [{ data: cosignPem }], rekor: false, signedIdentity }
}

function evaluate(
  requirements: readonly PolicyRequirement[],
  signatures: Partial<Pick<PolicyQuestion, 'simpleSignatures' | 'sigstoreSignatures'>> = {},
): Promise<Verdict> {
  return evaluatePolicy({
    requirements,
    reference: parseReference(`quay.io/a@${MANIFEST}`),
    manifestDigest: MANIFEST,
    simpleSignatures: [],
    sigstoreSignatures: [],
    keys: new Map([['/gpg', gpgKey]]),
    now: NOW,
    ...signatures,
  })
}

const rejected = (reason: string): unknown => ({ accepted: false, reason: expect.stringContaining(reason) })

describe('evaluatePolicy', () => {
  it('takes anything, or nothing, where the policy says so', async () => {
    expect(await evaluate([ANY])).toEqual({ accepted: true })
    expect(await evaluate([REJECT])).toEqual(rejected('is rejected by policy'))
    expect(await evaluate([])).toEqual(rejected('no requirements'))
  })

  it('takes an image that is signed with OpenPGP', async () => {
    const simpleSignatures = [await simple('quay.io/a:v1')]

    expect(await evaluate([signedBy()], { simpleSignatures })).toEqual({ accepted: true })
  })

  it('takes an image that is signed with cosign', async () => {
    const sigstoreSignatures = [sigstore('quay.io/a')]

    expect(await evaluate([sigstoreSigned()], { sigstoreSignatures })).toEqual({ accepted: true })
  })

  it('takes one good signature among bad ones', async () => {
    const simpleSignatures = [Buffer.from('no signature'), await simple('quay.io/b:v1'), await simple('quay.io/a:v1')]

    expect(await evaluate([signedBy()], { simpleSignatures })).toEqual({ accepted: true })
  })

  it('wants all requirements fulfilled', async () => {
    const both = [signedBy(), sigstoreSigned()]
    const simpleSignatures = [await simple('quay.io/a:v1')]

    expect(await evaluate(both, { simpleSignatures })).toEqual(rejected('no signature exists'))
    expect(await evaluate(both, { simpleSignatures, sigstoreSignatures: [sigstore('quay.io/a')] })).toEqual({
      accepted: true,
    })
    expect(await evaluate([ANY, REJECT])).toEqual(rejected('rejected by policy'))
  })

  it('says why a signature is refused', async () => {
    const withSimple = async (...signatures: readonly Promise<Uint8Array>[]): Promise<Verdict> =>
      evaluate([signedBy()], { simpleSignatures: await Promise.all(signatures) })
    const withSigstore = (signature: SigstoreSignature): Promise<Verdict> =>
      evaluate([sigstoreSigned()], { sigstoreSignatures: [signature] })

    expect(await withSimple()).toEqual(rejected('a signature was required, but no signature exists'))
    expect(await withSimple(simple('quay.io/b:v1'))).toEqual(
      rejected('signature for identity "quay.io/b:v1" is not accepted'),
    )
    expect(await withSimple(simple('quay.io/a:v1', OTHER))).toEqual(rejected(`signature for digest ${OTHER} does not`))
    expect(await withSimple(simple('quay.io/b:v1'), simple('quay.io/a:v1', OTHER))).toEqual(
      rejected('none of the signatures were accepted, reasons: signature for identity'),
    )
    expect(await withSigstore(sigstore('quay.io/b'))).toEqual(rejected('is not accepted'))
    expect(await withSigstore(sigstore('quay.io/a', OTHER))).toEqual(rejected('does not match'))
  })

  it('does not take the signature of one form for that of the other', async () => {
    const bytes = payload('cosign container image signature', 'quay.io/a:v1', MANIFEST)
    const message = await openpgp.createMessage({ binary: new Uint8Array(bytes) })
    const crossed = await openpgp.sign({ message, signingKeys: gpg, format: 'binary', date: SIGNED_AT })

    expect(await evaluate([signedBy()], { simpleSignatures: [crossed] })).toEqual(
      rejected('unrecognized signature type'),
    )
    expect(await evaluate([signedBy()], { sigstoreSignatures: [sigstore('quay.io/a:v1')] })).toEqual(
      rejected('no signature exists'),
    )
  })

  it.each<[PolicyRequirement, string]>([
    [{ type: 'signedBaseLayer' }, 'signedBaseLayer'],
    [
      { type: 'sigstoreSigned', trust: 'fulcio', keys: [], rekor: true, signedIdentity: { type: 'matchExact' } },
      '"fulcio"',
    ],
    [
      { type: 'sigstoreSigned', trust: 'keys', keys: [], rekor: true, signedIdentity: { type: 'matchExact' } },
      'transparency log',
    ],
    [
      { type: 'signedBy', keyType: 'X509Certificates', keys: [], signedIdentity: { type: 'matchExact' } },
      'X509Certificates',
    ],
  ])('refuses what it cannot evaluate: %j', async (requirement, reason) => {
    expect(await evaluate([requirement], { sigstoreSignatures: [sigstore('quay.io/a')] })).toEqual(rejected(reason))
  })
})

describe('signaturesWanted', () => {
  it.each([
    [[ANY, REJECT], 'none'],
    [[ANY, signedBy()], 'simple'],
    [[sigstoreSigned()], 'sigstore'],
    [[sigstoreSigned(), signedBy()], 'both'],
  ] as const)('of %j is %s', (requirements, wanted) => {
    expect(signaturesWanted(requirements)).toBe(wanted)
  })
})
