/**
 * Parses `policy.json`, strictly: an unknown or repeated key anywhere rejects the whole file. Pure.
 *
 * Spec: https://github.com/containers/image/blob/v5.36.2/docs/containers-policy.json.5.md
 */
import { z } from 'zod'
import { AirliftError } from '../base/errors.ts'
import { parseDockerName } from './docker-name.ts'
import type { KeySource, Policy, PolicyRequirement, SignedIdentity } from './policy-types.ts'
import { parseStrictJson } from './strict-json.ts'

const REMAP_PREFIX = /^(?:\[[0-9a-fA-F:]+\]|[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?)(?::\d+)?(?:\/[a-z0-9._-]+)*$/
const remapPrefix = z.string().regex(REMAP_PREFIX, 'is no host[:port][/path]')
const base64 = z.base64().transform((text): Uint8Array => Buffer.from(text, 'base64'))
const paths = z.array(z.string().min(1)).min(1)
const datas = z.array(base64).min(1)
const repositoryName = z.string().refine((text) => parseDockerName(text) !== undefined, 'is no repository')
const exactName = z.string().refine((text) => {
  const name = parseDockerName(text)
  return name?.tag !== undefined || name?.digest !== undefined
}, 'is no reference with a tag or a digest')

const identity: z.ZodType<SignedIdentity> = z.discriminatedUnion('type', [
  z.strictObject({ type: z.enum(['matchExact', 'matchRepoDigestOrExact', 'matchRepository']) }),
  z.strictObject({ type: z.literal('exactReference'), dockerReference: exactName }),
  z.strictObject({ type: z.literal('exactRepository'), dockerRepository: repositoryName }),
  z.strictObject({ type: z.literal('remapIdentity'), prefix: remapPrefix, signedPrefix: remapPrefix }),
])
const signedIdentity = identity.default({ type: 'matchRepoDigestOrExact' })

const signedBy = z
  .strictObject({
    type: z.literal('signedBy'),
    keyType: z.enum(['GPGKeys', 'signedByGPGKeys', 'X509Certificates', 'signedByX509CAs']),
    keyPath: z.string().min(1).optional(),
    keyPaths: paths.optional(),
    keyData: base64.optional(),
    signedIdentity,
  })
  .refine(
    ({ keyPath, keyPaths, keyData }) => countOf(keyPath, keyPaths, keyData) === 1,
    'exactly one of keyPath, keyPaths and keyData must be specified',
  )
  .transform(({ type, keyType, signedIdentity, ...rest }) => ({ type, keyType, keys: keysOf(rest), signedIdentity }))

const fulcio = z
  .strictObject({
    caPath: z.string().min(1).optional(),
    caData: base64.optional(),
    oidcIssuer: z.string().min(1),
    subjectEmail: z.string().min(1),
  })
  .refine(({ caPath, caData }) => countOf(caPath, caData) === 1, 'exactly one of caPath and caData must be specified')

const pki = z
  .strictObject({
    caRootsPath: z.string().min(1).optional(),
    caRootsData: base64.optional(),
    caIntermediatesPath: z.string().min(1).optional(),
    caIntermediatesData: base64.optional(),
    subjectEmail: z.string().min(1).optional(),
    subjectHostname: z.string().min(1).optional(),
  })
  .refine(
    (value) =>
      countOf(value.caRootsPath, value.caRootsData) === 1 &&
      countOf(value.caIntermediatesPath, value.caIntermediatesData) <= 1,
    'exactly one of caRootsPath and caRootsData, and at most one of caIntermediatesPath and caIntermediatesData must be specified',
  )
  .refine(
    (value) => countOf(value.subjectEmail, value.subjectHostname) > 0,
    'at least one of subjectEmail and subjectHostname must be specified',
  )

const sigstoreSigned = z
  .strictObject({
    type: z.literal('sigstoreSigned'),
    keyPath: z.string().min(1).optional(),
    keyPaths: paths.optional(),
    keyData: base64.optional(),
    keyDatas: datas.optional(),
    fulcio: fulcio.optional(),
    pki: pki.optional(),
    rekorPublicKeyPath: z.string().min(1).optional(),
    rekorPublicKeyPaths: paths.optional(),
    rekorPublicKeyData: base64.optional(),
    rekorPublicKeyDatas: datas.optional(),
    signedIdentity,
  })
  .refine(
    ({ keyPath, keyPaths, keyData, keyDatas, fulcio, pki }) =>
      countOf(keyPath, keyPaths, keyData, keyDatas, fulcio, pki) === 1,
    'exactly one of keyPath, keyPaths, keyData, keyDatas, fulcio and pki must be specified',
  )
  .refine((value) => rekorCount(value) <= 1, 'at most one of the rekorPublicKey… members may be specified')
  .refine((value) => value.fulcio === undefined || rekorCount(value) === 1, 'fulcio needs a rekorPublicKey… member')
  .refine((value) => value.pki === undefined || rekorCount(value) === 0, 'pki allows no rekorPublicKey… member')
  .transform(({ type, fulcio, pki, signedIdentity, ...rest }) => ({
    type,
    trust: fulcio !== undefined ? ('fulcio' as const) : pki !== undefined ? ('pki' as const) : ('keys' as const),
    keys: keysOf(rest),
    rekor: rekorCount(rest) > 0,
    signedIdentity,
  }))

const signedBaseLayer = z
  .strictObject({ type: z.literal('signedBaseLayer'), baseLayerIdentity: identity })
  .transform(({ type }) => ({ type }))

const SCHEMAS = {
  insecureAcceptAnything: z.strictObject({ type: z.literal('insecureAcceptAnything') }),
  reject: z.strictObject({ type: z.literal('reject') }),
  signedBy,
  sigstoreSigned,
  signedBaseLayer,
} as const satisfies Record<PolicyRequirement['type'], z.ZodType<PolicyRequirement>>

/** Chosen by `type` first, so that a message is about the requirement that was meant. */
const requirement = z.looseObject({ type: z.string() }).transform((value, context): PolicyRequirement => {
  const schema = Object.entries(SCHEMAS).find(([type]) => type === value.type)?.[1]
  const result = schema?.safeParse(value)
  if (result?.success === true) return result.data
  const [issue] = result?.error.issues ?? []
  const message = issue?.message ?? `unknown policy requirement type ${JSON.stringify(value.type)}`
  context.addIssue({ code: 'custom', message, path: [...(issue?.path ?? ['type'])] })
  return z.NEVER
})
const requirements = z.array(requirement).min(1, 'must have at least one requirement')
const policySchema = z.strictObject({
  default: requirements,
  transports: z.record(z.string(), z.record(z.string(), requirements)).default({}),
})

/** @throws {AirliftError} `POLICY_INVALID`, naming `file` and the member that is wrong. */
export function parsePolicy(text: string, file: string): Policy {
  let content: unknown
  try {
    content = parseStrictJson(text)
  } catch (error) {
    throw invalid(file, error instanceof Error ? error.message : String(error), error)
  }
  const result = policySchema.safeParse(content)
  if (!result.success) {
    const [issue] = result.error.issues
    throw invalid(
      file,
      `${(issue?.path ?? []).map((key) => `[${JSON.stringify(key)}]`).join('')} ${issue?.message ?? ''}`,
    )
  }
  const { default: byDefault, transports } = result.data
  const byTransport = Object.entries(transports).map(
    ([transport, scopes]) => [transport, new Map(Object.entries(scopes))] as const,
  )
  return { default: byDefault, transports: new Map(byTransport) }
}

function countOf(...values: readonly unknown[]): number {
  return values.filter((value) => value !== undefined).length
}

interface KeyMembers {
  readonly keyPath?: string | undefined
  readonly keyPaths?: readonly string[] | undefined
  readonly keyData?: Uint8Array | undefined
  readonly keyDatas?: readonly Uint8Array[] | undefined
}

function keysOf({ keyPath, keyPaths, keyData, keyDatas }: KeyMembers): readonly KeySource[] {
  return [
    ...[keyPath ?? [], keyPaths ?? []].flat().map((path) => ({ path })),
    ...[...(keyData === undefined ? [] : [keyData]), ...(keyDatas ?? [])].map((data) => ({ data })),
  ]
}

function rekorCount(value: Readonly<Record<string, unknown>>): number {
  return countOf(
    value['rekorPublicKeyPath'],
    value['rekorPublicKeyPaths'],
    value['rekorPublicKeyData'],
    value['rekorPublicKeyDatas'],
  )
}

function invalid(file: string, problem: string, cause?: unknown): AirliftError {
  return new AirliftError('POLICY_INVALID', `policy ${file}: ${problem}`, {
    hint: `correct ${file}, or name another policy with --policy`,
    ...(cause !== undefined && { cause }),
  })
}
