/**
 * Chooses what a policy demands of one image. Pure.
 *
 * Only the most specific scope counts; no other scope adds to it.
 *
 * Spec: https://github.com/containers/image/blob/v5.36.2/docs/containers-policy.json.5.md#supported-transports-and-their-scopes
 */
import type { Reference } from '../oci/reference.ts'
import { imageScopes, layoutScopes } from './image-scopes.ts'
import type { Policy, PolicyRequirement, PolicyRequirements } from './policy-types.ts'

/** What an image is read from, as a policy sees it. */
export type PolicyImage =
  | { readonly transport: 'docker'; readonly reference: Reference }
  /** `path` is absolute. */
  | { readonly transport: 'oci'; readonly path: string; readonly tag?: string }

export function requirementsFor(policy: Policy, image: PolicyImage): PolicyRequirements {
  const scopes = policy.transports.get(image.transport)
  const names = image.transport === 'docker' ? imageScopes(image.reference) : layoutScopes(image.path, image.tag)
  for (const name of [...names, '']) {
    const requirements = scopes?.get(name)
    if (requirements !== undefined) return requirements
  }
  return policy.default
}

/** Names what no evaluation here can fulfil; `undefined` for all else. */
export function unsupported(requirement: PolicyRequirement): string | undefined {
  if (requirement.type === 'signedBaseLayer') return 'a signed base layer ("signedBaseLayer")'
  if (requirement.type === 'signedBy' && requirement.keyType !== 'GPGKeys') {
    return `signatures with keyType "${requirement.keyType}"`
  }
  if (requirement.type !== 'sigstoreSigned') return undefined
  if (requirement.trust !== 'keys') return `sigstore signatures by certificates ("${requirement.trust}")`
  return requirement.rekor ? 'an entry in a transparency log ("rekorPublicKey…")' : undefined
}
