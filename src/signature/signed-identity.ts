/**
 * Whether the name inside a signature fits the image, by the rules a policy gives. Pure.
 *
 * The image is meant under the name it was asked for, not that of a mirror it came from.
 *
 * Spec: https://github.com/containers/image/blob/v5.36.2/docs/containers-policy.json.5.md#signedby
 */
import { formatDockerName, parseDockerName } from '../config/docker-name.ts'
import type { DockerName } from '../config/docker-name.ts'
import type { SignedIdentity } from '../config/policy-types.ts'
import { formatReference } from '../oci/reference.ts'
import type { Reference } from '../oci/reference.ts'

/** @param signedName the `docker-reference` of the signature. */
export function matchesIdentity(rule: SignedIdentity, image: Reference, signedName: string): boolean {
  const signed = parseDockerName(signedName)
  const intended = parseDockerName(formatReference(image))
  if (signed === undefined || intended === undefined) return false
  switch (rule.type) {
    case 'matchExact':
      return areSame(intended, signed)
    case 'matchRepoDigestOrExact':
      return fits(intended, signed)
    case 'matchRepository':
      return intended.name === signed.name
    case 'exactReference':
      return areSame(parseDockerName(rule.dockerReference), signed)
    case 'exactRepository':
      return parseDockerName(rule.dockerRepository)?.name === signed.name
    case 'remapIdentity':
      return fits(remap(intended, rule), signed)
    // Not reached: every kind is listed. Without it the linter cannot see that all paths return.
    default:
      return rule satisfies never
  }
}

/** A bare repository name never is the same as anything. */
function areSame(intended: DockerName | undefined, signed: DockerName): boolean {
  return (
    intended !== undefined &&
    (signed.tag !== undefined || signed.digest !== undefined) &&
    formatDockerName(intended) === formatDockerName(signed)
  )
}

/** By tag both must be the same; by digest the repository must, since the digest is compared with the manifest. */
function fits(intended: DockerName | undefined, signed: DockerName): boolean {
  if (intended === undefined || (signed.tag === undefined && signed.digest === undefined)) return false
  return intended.tag === undefined ? intended.name === signed.name : areSame(intended, signed)
}

function remap(
  image: DockerName,
  { prefix, signedPrefix }: { readonly prefix: string; readonly signedPrefix: string },
): DockerName | undefined {
  if (image.name !== prefix && !image.name.startsWith(`${prefix}/`)) return image
  return parseDockerName(formatDockerName({ ...image, name: signedPrefix + image.name.slice(prefix.length) }))
}
