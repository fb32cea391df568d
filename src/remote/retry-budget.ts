/**
 * Attempts that one blob may still cost.
 *
 * Counted over everything that can fail on its way, so that no two layers of
 * retries multiply. A transfer that moves gets all its attempts back: a big blob
 * over a bad line is never given up while each attempt brings it further.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { hasCode } from '../base/errors.ts'
import { retryWaitMs } from '../base/retry.ts'
import type { RetryPolicy } from '../base/retry.ts'
import type { CarryOptions } from '../content/ports.ts'
import { retryDelay } from './request-errors.ts'

export interface RetryBudgetOptions extends Pick<CarryOptions, 'signal' | 'onRetry'> {
  readonly policy: RetryPolicy
}

/** Less than this is no progress: a peer could hand out a byte for each attempt. */
const PROGRESS_BYTES = 1024 * 1024

export class RetryBudget {
  readonly #options: RetryBudgetOptions
  #spent = 0
  #furthest = 0
  #mismatched = false

  constructor(options: RetryBudgetOptions) {
    this.#options = options
  }

  /**
   * Waits until another attempt may be made. Wrong content is worth one, from scratch, whatever the policy.
   *
   * @param received bytes of the blob that this attempt had when it failed.
   * @throws `failure` where no attempt is left, or none can help.
   */
  async spend(failure: unknown, received = 0): Promise<void> {
    const { policy, signal, onRetry } = this.#options
    signal.throwIfAborted()
    if (!this.#mismatched && hasCode(failure, 'DIGEST_MISMATCH', 'SIZE_MISMATCH')) {
      this.#mismatched = true
      onRetry({ attempt: this.#spent + 1, waitMs: 0, error: failure })
      return
    }
    if (received >= this.#furthest + PROGRESS_BYTES) {
      this.#furthest = received
      this.#spent = 0
    }
    // An upload session can be lost between two requests, and a new one costs nothing.
    const asked = hasCode(failure, 'BLOB_UPLOAD_INVALID') ? 0 : retryDelay(failure, 'always')
    if (asked === undefined || this.#spent >= policy.times) throw failure
    const waitMs = Math.max(asked, retryWaitMs(this.#spent, { policy }))
    this.#spent += 1
    onRetry({ attempt: this.#spent, waitMs, error: failure })
    await sleep(waitMs, undefined, { signal }).catch(() => signal.throwIfAborted())
  }
}
