/**
 * What `policy.json` demands of images, after parsing: types only.
 *
 * Spec: https://github.com/containers/image/blob/v5.36.2/docs/containers-policy.json.5.md#policy-requirements
 */

/** Where a key or certificate is: in a file, read when it is needed, or in the policy itself. */
export type KeySource = { readonly path: string } | { readonly data: Uint8Array }

/** How the name that was signed and the name of the image must agree. */
export type SignedIdentity =
  | { readonly type: 'matchExact' | 'matchRepoDigestOrExact' | 'matchRepository' }
  | { readonly type: 'exactReference'; readonly dockerReference: string }
  | { readonly type: 'exactRepository'; readonly dockerRepository: string }
  | { readonly type: 'remapIdentity'; readonly prefix: string; readonly signedPrefix: string }

export type PolicyRequirement =
  | { readonly type: 'insecureAcceptAnything' }
  | { readonly type: 'reject' }
  | {
      readonly type: 'signedBy'
      readonly keyType: string
      readonly keys: readonly KeySource[]
      readonly signedIdentity: SignedIdentity
    }
  | {
      readonly type: 'sigstoreSigned'
      readonly trust: 'keys' | 'fulcio' | 'pki'
      /** Any of them may have signed. Empty but for trust in keys. */
      readonly keys: readonly KeySource[]
      /** Whether a transparency log must have recorded the signature. */
      readonly rekor: boolean
      readonly signedIdentity: SignedIdentity
    }
  /** Defined, but never fulfilled by any program. */
  | { readonly type: 'signedBaseLayer' }

/** All must be fulfilled; never empty. */
export type PolicyRequirements = readonly PolicyRequirement[]

export interface Policy {
  readonly default: PolicyRequirements
  /** By transport, then by scope; the scope '' is the transport's default. */
  readonly transports: ReadonlyMap<string, ReadonlyMap<string, PolicyRequirements>>
}

/** Content of key files by path. */
export type PolicyKeys = ReadonlyMap<string, Uint8Array>
