/**
 * Reads from the first physical place that answers: the mirrors of
 * registries.conf in their order, then the registry itself.
 */
import { AirliftError, isAirliftError, messageOf } from '../base/errors.ts'
import { formatRepository } from '../oci/reference.ts'
import type { PullSource, Side } from './endpoint.ts'

export interface Found<T> {
  readonly value: T
  readonly source: PullSource
}

interface Failure {
  readonly source: PullSource
  readonly error: unknown
}

/**
 * @param read Answers `undefined` where the place does not have what is looked for.
 * @returns `undefined` where no place has it.
 * @throws the failure of the last place, with those of the mirrors before it, unless a place had it.
 */
export async function readFirst<T>(
  sources: readonly PullSource[],
  read: (source: PullSource) => Promise<T | undefined>,
  options: { readonly side: Side; readonly signal: AbortSignal },
): Promise<Found<T> | undefined> {
  const failures: Failure[] = []
  for (const source of sources) {
    try {
      if (source.blocked) throw blocked(source, options.side)
      const value = await read(source)
      if (value !== undefined) return { value, source }
      failures.push({ source, error: undefined })
    } catch (error) {
      options.signal.throwIfAborted()
      if (!isAirliftError(error)) throw error
      failures.push({ source, error })
    }
  }
  if (failures.some(({ error }) => error !== undefined)) throw combined(failures, options.side)
  return undefined
}

export function blocked({ name }: Pick<PullSource, 'name'>, side: Side): AirliftError {
  return new AirliftError(
    'REGISTRY_BLOCKED',
    `${side}: registry ${formatRepository(name)} is blocked in registries.conf`,
    {
      hint: 'use a mirror that is not blocked, or change "blocked" in registries.conf',
      details: { side, registry: name.registry },
    },
  )
}

/** Worded as containers/image does, whose users know it. */
function combined(failures: readonly Failure[], side: Side): unknown {
  const mirrors = failures.slice(0, -1)
  const { source, error } = failures.at(-1) ?? {}
  if (mirrors.length === 0 || source === undefined) return error
  const told = mirrors.map((failure) => `[${formatRepository(failure.source.name)}: ${reasonOf(failure.error)}]`)
  const message = `${side}: (Mirrors also failed: ${told.join(' ')}): ${formatRepository(source.name)}: ${reasonOf(error)}`
  const named = isAirliftError(error) ? error : mirrors.map(({ error }) => error).find(isAirliftError)
  return new AirliftError(named?.code ?? 'MANIFEST_UNKNOWN', message, {
    cause: error ?? named,
    ...(named?.hint !== undefined && { hint: named.hint }),
    ...(named !== undefined && { details: named.details }),
  })
}

function reasonOf(error: unknown): string {
  if (error === undefined) return 'manifest unknown'
  return isAirliftError(error) ? error.message : messageOf(error)
}
