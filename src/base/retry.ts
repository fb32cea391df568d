/**
 * Trying again, with full jitter, and never past an abort.
 *
 * Exponential by default (1 s, 2 s, 4 s …, at most 30 s); a caller may fix the
 * delay, and a failure may ask for its own (`Retry-After`).
 */
import { setTimeout as sleep } from 'node:timers/promises'

export interface RetryPolicy {
  /** Attempts after the first; 0 tries once. */
  readonly times: number
  /** Fixed wait between attempts, in milliseconds; 0 means exponential. */
  readonly delayMs: number
}

export interface RetryOptions {
  readonly signal: AbortSignal
  readonly policy: RetryPolicy
  /** Milliseconds to wait at least, or `undefined` when trying again cannot help. */
  readonly retryAfterMs: (error: unknown) => number | undefined
  readonly onRetry?: (event: { readonly attempt: number; readonly waitMs: number; readonly error: unknown }) => void
  /** Injected by tests. */
  readonly random?: () => number
}

const FIRST_MS = 1000
const LONGEST_MS = 30_000

/** @throws what the last attempt threw. */
export async function retry<T>(task: (attempt: number) => Promise<T>, options: RetryOptions): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    options.signal.throwIfAborted()
    try {
      return await task(attempt)
    } catch (error) {
      if (options.signal.aborted) throw error
      const asked = attempt < options.policy.times ? options.retryAfterMs(error) : undefined
      if (asked === undefined) throw error
      const waitMs = Math.max(asked, retryWaitMs(attempt, options))
      options.onRetry?.({ attempt: attempt + 1, waitMs, error })
      await sleep(waitMs, undefined, { signal: options.signal })
    }
  }
}

/** Milliseconds before the attempt after `attempt`, which counts from 0. */
export function retryWaitMs(
  attempt: number,
  { policy, random = Math.random }: Pick<RetryOptions, 'policy' | 'random'>,
): number {
  if (policy.delayMs > 0) return policy.delayMs
  return Math.round(random() * Math.min(FIRST_MS * 2 ** attempt, LONGEST_MS))
}
