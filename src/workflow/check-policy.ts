/**
 * `--secure-policy`: what `policy.json` demands of each image, checked before
 * anything of it is planned.
 *
 * The signatures are fetched here and judged by `signature`; a look-up that fails
 * counts as no signature, so that policy is never passed by an error.
 */
import { homedir } from 'node:os'
import { resolve } from 'node:path'
import { AirliftError } from '../base/errors.ts'
import type { CollectOptions } from '../collect/collect-images.ts'
import { loadPolicy, loadPolicyKeys } from '../config/policy.ts'
import { requirementsFor } from '../config/policy-requirements.ts'
import type { PolicyImage } from '../config/policy-requirements.ts'
import type { Policy } from '../config/policy-types.ts'
import type { CallOptions } from '../content/ports.ts'
import { isDigest } from '../oci/digest.ts'
import type { Manifest } from '../oci/manifest.ts'
import type { ResolvedImage } from '../plan/collection.ts'
import { evaluatePolicy, signaturesWanted } from '../signature/evaluate-policy.ts'
import type { Verdict } from '../signature/evaluate-policy.ts'
import type { Clients } from './clients.ts'
import { sigstoreSignatures, simpleSignatures } from './fetch-signatures.ts'
import type { MirrorOptions, RunContext } from './mirror-options.ts'

/**
 * Accepts everything without `--secure-policy`.
 *
 * @throws {AirliftError} `POLICY_INVALID` for a policy that cannot be read.
 */
export async function loadPolicyCheck(
  options: Pick<MirrorOptions, 'securePolicy' | 'policyFile'>,
  context: Pick<RunContext, 'env' | 'cwd' | 'signal' | 'now'>,
  clients: Pick<Clients, 'source' | 'sourceAt' | 'registriesD'>,
): Promise<CollectOptions['checkPolicy']> {
  if (!options.securePolicy) return () => Promise.resolve()
  const home = context.env['HOME'] ?? homedir()
  const policy = await loadPolicy({ file: options.policyFile, home, signal: context.signal })
  return async (image, manifests, call) => {
    const subjects = manifests.filter(
      ({ descriptor }) => !image.attachments.some(({ root }) => root.digest === descriptor.digest),
    )
    for (const subject of subjects) await checkManifest({ image, subject, manifests, policy, context, clients }, call)
  }
}

interface PolicyQuestion {
  readonly image: ResolvedImage
  /** The image's root, or one of its instances. */
  readonly subject: Manifest
  readonly manifests: readonly Manifest[]
  readonly policy: Policy
  readonly context: Pick<RunContext, 'cwd' | 'now'>
  readonly clients: Pick<Clients, 'source' | 'sourceAt' | 'registriesD'>
}

/** @throws {AirliftError} `POLICY_REJECTED`. */
async function checkManifest(question: PolicyQuestion, call: CallOptions): Promise<void> {
  const verdict = await judge(question, call)
  if (verdict.accepted) return
  const { image, subject } = question
  throw new AirliftError(
    'POLICY_REJECTED',
    `${image.origin}: the policy does not accept ${subject.descriptor.digest}: ${verdict.reason}`,
    {
      details: { side: 'source' },
      hint: 'have the image signed with a key that the policy names, or change the policy',
    },
  )
}

async function judge(
  { image, subject, manifests, policy, context, clients }: PolicyQuestion,
  call: CallOptions,
): Promise<Verdict> {
  const named = policyImage(image, context.cwd)
  const requirements = requirementsFor(policy, named)
  const wanted = signaturesWanted(requirements)
  if (named.transport === 'oci') {
    if (wanted !== 'none') return { accepted: false, reason: 'a layout has no name that a signature could be for' }
    return requirements.some(({ type }) => type === 'reject')
      ? { accepted: false, reason: 'it rejects every image' }
      : { accepted: true }
  }
  const { digest } = subject.descriptor
  const { reference } = named
  return await evaluatePolicy({
    requirements,
    reference,
    manifestDigest: digest,
    keys: await loadPolicyKeys(requirements, call),
    simpleSignatures:
      wanted === 'simple' || wanted === 'both'
        ? await simpleSignatures(reference, digest, {
            ...call,
            registriesD: clients.registriesD,
            client: clients.source,
          })
        : [],
    sigstoreSignatures:
      wanted === 'sigstore' || wanted === 'both'
        ? await sigstoreSignatures({ image, digest, manifests }, await clients.sourceAt(image.place, call), call)
        : [],
    now: context.now(),
  })
}

/** The image as the configuration names it: a mirror that answers for it changes nothing about who must have signed. */
function policyImage({ place, name }: ResolvedImage, cwd: string): PolicyImage {
  if (place.kind === 'layout')
    return { transport: 'oci', path: resolve(cwd, place.name), ...(name !== '' && { tag: name }) }
  if (place.kind === 'archive') throw new Error('policies are for sources, and an archive is none')
  const { registry, repository } = place
  return {
    transport: 'docker',
    reference: { registry, repository, ...(isDigest(name) ? { digest: name } : { tag: name }) },
  }
}
