/**
 * One call for many callers: what several ask at once is asked once, and kept
 * while it is fresh. A failure is told to all who wait, and not kept.
 *
 * The call runs under the owner's signal, so that a caller who gives up does not
 * take it from the others.
 */
import type { CallOptions } from '../content/ports.ts'

interface Entry<V> {
  readonly promise: Promise<V>
  settled?: { readonly value: V }
}

export class SharedCalls<V> {
  readonly #entries = new Map<string, Entry<V>>()
  readonly #lifetime: AbortSignal
  readonly #isFresh: (value: V) => boolean

  constructor(lifetime: AbortSignal, isFresh: (value: V) => boolean = () => true) {
    this.#lifetime = lifetime
    this.#isFresh = isFresh
  }

  async get(key: string, call: (options: CallOptions) => Promise<V>, { signal }: CallOptions): Promise<V> {
    signal.throwIfAborted()
    const known = this.#entries.get(key)
    if (known !== undefined && (known.settled === undefined || this.#isFresh(known.settled.value))) {
      return known.settled === undefined ? waitFor(known.promise, signal) : known.settled.value
    }
    const entry: Entry<V> = { promise: call({ signal: this.#lifetime }) }
    this.#entries.set(key, entry)
    entry.promise.then(
      (value) => {
        entry.settled = { value }
      },
      () => {
        if (this.#entries.get(key) === entry) this.#entries.delete(key)
      },
    )
    return waitFor(entry.promise, signal)
  }

  /** Forgets settled values; calls under way stay. */
  dropWhere(isStale: (value: V) => boolean): void {
    for (const [key, { settled }] of this.#entries) {
      if (settled !== undefined && isStale(settled.value)) this.#entries.delete(key)
    }
  }

  clear(): void {
    this.#entries.clear()
  }
}

async function waitFor<V>(promise: Promise<V>, signal: AbortSignal): Promise<V> {
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const onAbort = (): void => reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
