/**
 * A counting semaphore: the limits that are set in one place and shared by many
 * callers, such as the requests in flight for each host.
 */
export class Semaphore {
  #free: number
  readonly #waiting = new Set<() => void>()

  constructor(limit: number) {
    this.#free = limit
  }

  /** Waits for a place, in order of arrival. Rejects with `signal.reason` when aborted first. */
  async acquire(signal: AbortSignal): Promise<Disposable> {
    signal.throwIfAborted()
    if (this.#free > 0) this.#free -= 1
    else await this.#queue(signal)
    let held = true
    return {
      [Symbol.dispose]: () => {
        if (held) this.#release()
        held = false
      },
    }
  }

  #queue(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const wake = (): void => {
        signal.removeEventListener('abort', onAbort)
        resolve()
      }
      const onAbort = (): void => {
        this.#waiting.delete(wake)
        reject(signal.reason as Error)
      }
      this.#waiting.add(wake)
      signal.addEventListener('abort', onAbort, { once: true })
    })
  }

  #release(): void {
    const [next] = this.#waiting
    if (next === undefined) {
      this.#free += 1
      return
    }
    this.#waiting.delete(next)
    next()
  }
}

/** Semaphores of one size by key, made when first asked for: the same limit for each of many hosts. */
export class Semaphores {
  readonly #limit: number
  readonly #byKey = new Map<string, Semaphore>()

  constructor(limit: number) {
    this.#limit = limit
  }

  of(key: string): Semaphore {
    const known = this.#byKey.get(key) ?? new Semaphore(this.#limit)
    this.#byKey.set(key, known)
    return known
  }
}
