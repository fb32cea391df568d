/**
 * Words that both directions of the lane share: plain data, so that they can
 * cross to and from another thread.
 */
/** A whole answer with a small body. */
export interface LaneResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** At most {@link MAX_ANSWER_BYTES}; '' where it was longer, or could not be read whole. */
  readonly body: string
}

/** Why an exchange ended without an answer. */
export interface LaneFailure {
  /**
   * - `unreachable`: no connection, or none that can be trusted.
   * - `cut`: the connection ended early.
   * - `stalled`: nothing moved for the time allowed.
   * - `protocol`: the peer said what HTTP does not allow.
   */
  readonly kind: 'unreachable' | 'cut' | 'stalled' | 'protocol'
  readonly message: string
  /** Code of a system or TLS error, such as `ECONNREFUSED`. */
  readonly code?: string
}

export const MAX_ANSWER_BYTES: number = 64 * 1024

export function failure(kind: LaneFailure['kind'], error: unknown): LaneFailure {
  const message = error instanceof Error ? error.message : String(error)
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
  return { kind, message, ...(code !== undefined && { code }) }
}

/** Fires once when nothing has been reported for `afterMs`, while it is running. */
export class StallTimer implements Disposable {
  readonly #afterMs: number
  readonly #onStall: () => void
  #timer: NodeJS.Timeout | undefined

  constructor(afterMs: number, onStall: () => void) {
    this.#afterMs = afterMs
    this.#onStall = onStall
  }

  /** Something moved, or waiting begins: the full time is allowed again. */
  touch(): void {
    if (this.#timer === undefined) this.#timer = setTimeout(this.#onStall, this.#afterMs)
    else this.#timer.refresh()
  }

  /** The peer owes nothing for now. */
  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  [Symbol.dispose](): void {
    this.stop()
  }
}
