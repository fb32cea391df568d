/**
 * Before any work, both sides are asked whether they let us in.
 *
 * A person at a terminal is asked for credentials once for each registry that
 * refuses; a second refusal ends the run, and so does the first where nobody can
 * be asked. A source that cannot be reached at all fails its own images later.
 */
import { AirliftError, hasCode, messageOf } from '../base/errors.ts'
import type { CredentialStore } from '../config/credential-store.ts'
import type { RegistryClient } from '../remote/registry-client.ts'
import type { RunContext } from './mirror-options.ts'

export interface AccessQuestion {
  readonly side: 'source' | 'target'
  readonly registry: string
  /** Absent where the registry as a whole is asked. */
  readonly repository?: string
  readonly client: RegistryClient
  readonly credentials: CredentialStore
}

/** @throws {AirliftError} `AUTH_REQUIRED`, `REGISTRY_REFUSED`, and for a target whatever keeps us from it. */
export async function checkAccess(
  question: AccessQuestion,
  { signal, askCredentials }: Pick<RunContext, 'signal' | 'askCredentials'>,
): Promise<void> {
  const { side, registry, client, credentials } = question
  try {
    await check(question, signal)
  } catch (error) {
    if (!hasCode(error, 'AUTH_REQUIRED', 'REGISTRY_REFUSED')) {
      if (
        side === 'source' &&
        hasCode(
          error,
          'REGISTRY_UNREACHABLE',
          'TIMEOUT',
          'REGISTRY_BLOCKED',
          'REGISTRY_UNSUPPORTED',
          'CERTIFICATE_INVALID',
        )
      )
        return
      throw named(question, error)
    }
    const typed = await askCredentials?.(registry, side)
    if (typed === undefined) throw named(question, error)
    credentials.add(registry, { kind: 'basic', ...typed })
    client.forget(registry)
    await check(question, signal).catch((again: unknown) => {
      throw named(question, again)
    })
  }
}

async function check({ side, registry, repository, client }: AccessQuestion, signal: AbortSignal): Promise<void> {
  await client.checkAccess(
    { registry, ...(repository !== undefined && { repository }) },
    { signal, push: side === 'target' },
  )
}

function named({ registry, repository }: AccessQuestion, error: unknown): unknown {
  if (!(error instanceof AirliftError)) return error
  const name = repository === undefined ? registry : `${registry}/${repository}`
  return new AirliftError(error.code, `checking registry ${JSON.stringify(name)} access: ${messageOf(error)}`, {
    cause: error.cause,
    details: error.details,
    ...(error.hint !== undefined && { hint: error.hint }),
  })
}
