/**
 * Decides whether a policy lets an image pass. Pure: keys and signatures have been read.
 *
 * All requirements must be fulfilled; for one that demands a signature, one good signature is enough, whatever the
 * others are.
 *
 * Spec: https://github.com/containers/image/blob/v5.36.2/docs/containers-policy.json.5.md#policy-requirements
 */
import { unsupported } from '../config/policy-requirements.ts'
import type { KeySource, PolicyKeys, PolicyRequirement, PolicyRequirements } from '../config/policy-types.ts'
import { formatReference } from '../oci/reference.ts'
import type { Digest } from '../oci/digest.ts'
import type { Reference } from '../oci/reference.ts'
import { verifySignedMessage } from './openpgp-message.ts'
import { parsePayload } from './signature-payload.ts'
import type { SignaturePayload } from './signature-payload.ts'
import { matchesIdentity } from './signed-identity.ts'
import { parsePublicKey, verifySigstoreSignature } from './sigstore-signature.ts'
import type { SigstoreSignature } from './sigstore-signature.ts'

export type Verdict = { readonly accepted: true } | { readonly accepted: false; readonly reason: string }

export interface PolicyQuestion {
  readonly requirements: PolicyRequirements
  /** As the image was asked for, not the mirror it came from. */
  readonly reference: Reference
  /** Of the manifest that the signatures are for. */
  readonly manifestDigest: Digest
  readonly simpleSignatures: readonly Uint8Array[]
  readonly sigstoreSignatures: readonly SigstoreSignature[]
  readonly keys: PolicyKeys
  readonly now: Date
}

type SignedRequirement = Extract<PolicyRequirement, { readonly type: 'signedBy' | 'sigstoreSigned' }>

/** Which signatures have to be fetched before {@link evaluatePolicy} can answer. */
export function signaturesWanted(requirements: PolicyRequirements): 'none' | 'simple' | 'sigstore' | 'both' {
  const simple = requirements.some(({ type }) => type === 'signedBy')
  const sigstore = requirements.some(({ type }) => type === 'sigstoreSigned')
  if (simple && sigstore) return 'both'
  return simple ? 'simple' : sigstore ? 'sigstore' : 'none'
}

export async function evaluatePolicy(question: PolicyQuestion): Promise<Verdict> {
  if (question.requirements.length === 0) return { accepted: false, reason: 'the policy has no requirements' }
  for (const requirement of question.requirements) {
    const reason = await findProblem(requirement, question)
    if (reason !== undefined) return { accepted: false, reason }
  }
  return { accepted: true }
}

/** Why the requirement is not fulfilled; `undefined` where it is. */
async function findProblem(requirement: PolicyRequirement, question: PolicyQuestion): Promise<string | undefined> {
  const missing = unsupported(requirement)
  if (missing !== undefined) return `the policy demands ${missing}, which is not supported`
  switch (requirement.type) {
    case 'insecureAcceptAnything':
      return undefined
    case 'signedBy':
      return findSignatureProblem(requirement, question, simplePayloads(requirement, question))
    case 'sigstoreSigned':
      return findSignatureProblem(requirement, question, sigstorePayloads(requirement, question))
    case 'reject':
    case 'signedBaseLayer':
    default:
      return `running image ${formatReference(question.reference)} is rejected by policy`
  }
}

/** Gives the payload of one signature once the signature around it is verified, or throws. */
type PayloadReader = () => Promise<SignaturePayload>

function simplePayloads(requirement: SignedRequirement, question: PolicyQuestion): readonly PayloadReader[] {
  const keyrings = requirement.keys.map((source) => keyBytes(source, question.keys))
  return question.simpleSignatures.map((signature) => async () => {
    const { content } = await verifySignedMessage(signature, keyrings, { now: question.now })
    return parsePayload(content, 'atomic container signature')
  })
}

function sigstorePayloads(requirement: SignedRequirement, question: PolicyQuestion): readonly PayloadReader[] {
  const keys = requirement.keys.map((source) => keyBytes(source, question.keys))
  return question.sigstoreSignatures.map((signature) => async () => {
    const payload = verifySigstoreSignature(signature, keys.map(parsePublicKey))
    return parsePayload(payload, 'cosign container image signature')
  })
}

async function findSignatureProblem(
  { signedIdentity }: SignedRequirement,
  { reference, manifestDigest }: PolicyQuestion,
  payloads: readonly PayloadReader[],
): Promise<string | undefined> {
  const reasons: string[] = []
  for (const readPayload of payloads) {
    try {
      const { name, digest } = await readPayload()
      if (!matchesIdentity(signedIdentity, reference, name)) {
        reasons.push(`signature for identity ${JSON.stringify(name)} is not accepted`)
      } else if (digest !== manifestDigest) {
        reasons.push(`signature for digest ${digest} does not match`)
      } else {
        return undefined
      }
    } catch (error) {
      // Whatever is wrong with this signature, another may still be good.
      reasons.push(error instanceof Error ? error.message : String(error))
    }
  }
  const [first, ...others] = reasons
  if (first === undefined) return 'a signature was required, but no signature exists'
  return others.length === 0 ? first : `none of the signatures were accepted, reasons: ${reasons.join('; ')}`
}

function keyBytes(source: KeySource, keys: PolicyKeys): Uint8Array {
  if ('data' in source) return source.data
  const bytes = keys.get(source.path)
  if (bytes === undefined) throw new Error(`key ${source.path} has not been read`)
  return bytes
}
