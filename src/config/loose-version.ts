/**
 * Versions as package ranges may spell them: `1.2`, `v1.2.3`, `5.2.3-31`. Pure.
 *
 * Spec: `NewVersion` of https://github.com/Masterminds/semver/tree/v3.4.0
 */
const LOOSE =
  /^v?(?<major>\d+)(?:\.(?<minor>\d+))?(?:\.(?<patch>\d+))?(?:-(?<prerelease>[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$/
const MAX_LENGTH = 256
const MAX_NUMBER = 2n ** 64n - 1n

export function isLooseVersion(text: string): boolean {
  if (text.length > MAX_LENGTH) return false
  const groups = LOOSE.exec(text)?.groups
  if (groups === undefined) return false
  const numbers = [groups['major'], groups['minor'], groups['patch']].map((part) => BigInt(part ?? '0'))
  const parts = groups['prerelease']?.split('.') ?? []
  return numbers.every((number) => number <= MAX_NUMBER) && !parts.some((part) => /^0\d+$/.test(part))
}
