/**
 * Bounded concurrency over a list.
 */

/**
 * Runs `task` over `items`, at most `limit` at once, keeping input order.
 *
 * The first failure aborts the signal that the other tasks were given and is the
 * rejection, or `signal.reason` where the caller aborted; every task has settled by
 * then, so the caller may delete files.
 */
export async function mapLimit<T, R>(
  items: readonly T[],
  limit: number,
  task: (item: T, signal: AbortSignal) => Promise<R>,
  options: { readonly signal: AbortSignal },
): Promise<R[]> {
  const stop = new AbortController()
  const signal = AbortSignal.any([options.signal, stop.signal])
  const results: R[] = []
  const queue = items.entries()
  async function worker(): Promise<void> {
    for (const [index, item] of queue) {
      signal.throwIfAborted()
      try {
        results[index] = await task(item, signal)
      } catch (error) {
        stop.abort(error)
        throw error
      }
    }
  }
  const workers = await Promise.allSettled(Array.from({ length: Math.min(limit, items.length) }, worker))
  options.signal.throwIfAborted()
  if (stop.signal.aborted) throw stop.signal.reason
  for (const outcome of workers) if (outcome.status === 'rejected') throw outcome.reason
  return results
}
