/**
 * Finds and reads `policy.json`, and the keys that it names.
 *
 * Spec: https://github.com/containers/image/blob/v5.36.2/docs/containers-policy.json.5.md
 */
import { join } from 'node:path'
import { AirliftError } from '../base/errors.ts'
import { parsePolicy } from './policy-parse.ts'
import { unsupported } from './policy-requirements.ts'
import type { Policy, PolicyKeys, PolicyRequirements } from './policy-types.ts'
import { readBounded, readIfPresent } from './read-bounded.ts'

export interface PolicyOptions {
  /** `--policy`; the user's or the system's where absent. */
  readonly file?: string | undefined
  readonly home: string
  readonly signal: AbortSignal
  /** In place of `/etc/containers/policy.json`. */
  readonly systemFile?: string
}

/** @throws {AirliftError} `POLICY_INVALID`, also where there is none. */
export async function loadPolicy(options: PolicyOptions): Promise<Policy> {
  const { file, home, signal, systemFile = '/etc/containers/policy.json' } = options
  const candidates = file === undefined ? [join(home, '.config/containers/policy.json'), systemFile] : [file]
  for (const path of candidates) {
    let bytes: Buffer | undefined
    try {
      bytes = await readIfPresent(path, { signal })
    } catch (error) {
      if (signal.aborted) throw error
      throw new AirliftError('POLICY_INVALID', `reading policy ${path} failed`, { cause: error })
    }
    if (bytes !== undefined) return parsePolicy(bytes.toString('utf8'), path)
  }
  throw new AirliftError('POLICY_INVALID', `no signature policy at ${candidates.join(' or ')}`, {
    hint: 'name a policy.json with --policy, or leave out --secure-policy',
  })
}

/**
 * Reads the key files that `requirements` name. Called before anything is copied, so that a policy which cannot be
 * enforced ends the run early.
 *
 * @throws {AirliftError} `POLICY_INVALID` where a file cannot be read, or a requirement is of a kind that cannot be
 *   evaluated.
 */
export async function loadPolicyKeys(
  requirements: PolicyRequirements,
  { signal }: { readonly signal: AbortSignal },
): Promise<PolicyKeys> {
  const keys = new Map<string, Uint8Array>()
  for (const requirement of requirements) {
    const problem = unsupported(requirement)
    if (problem !== undefined) {
      throw new AirliftError('POLICY_INVALID', `the policy demands ${problem}, which is not supported`, {
        hint: 'demand signatures by keys for these images: "signedBy" with GPGKeys, or "sigstoreSigned" with a public key',
      })
    }
    for (const source of 'keys' in requirement ? requirement.keys : []) {
      if ('path' in source && !keys.has(source.path)) keys.set(source.path, await readKey(source.path, { signal }))
    }
  }
  return keys
}

async function readKey(path: string, { signal }: { readonly signal: AbortSignal }): Promise<Uint8Array> {
  try {
    return await readBounded(path, { signal })
  } catch (error) {
    if (signal.aborted) throw error
    throw new AirliftError('POLICY_INVALID', `reading key ${path}, which the policy names, failed`, {
      hint: 'put the public key there, or correct the policy',
      cause: error,
    })
  }
}
