import { describe, expect, it } from 'vitest'
import { retry } from './retry.ts'
import type { RetryOptions } from './retry.ts'

function options(overrides: Partial<RetryOptions> = {}): RetryOptions {
  return { signal: new AbortController().signal, policy: { times: 2, delayMs: 1 }, retryAfterMs: () => 0, ...overrides }
}

function failing(times: number): () => Promise<number> {
  let calls = 0
  return async () => {
    calls += 1
    if (calls <= times) throw new Error(`attempt ${calls}`)
    return calls
  }
}

describe('retry', () => {
  it('tries again until it succeeds', async () => {
    const waits: number[] = []

    const calls = await retry(failing(2), options({ onRetry: ({ waitMs }) => waits.push(waitMs) }))

    expect(calls).toBe(3)
    expect(waits).toEqual([1, 1])
  })

  it('gives up after the last attempt, with its error', async () => {
    await expect(retry(failing(5), options())).rejects.toThrow('attempt 3')
  })

  it('does not try again what cannot help', async () => {
    await expect(retry(failing(1), options({ retryAfterMs: () => undefined }))).rejects.toThrow('attempt 1')
  })

  it('waits at least as long as the peer asks', async () => {
    const waits: number[] = []

    await retry(failing(1), options({ retryAfterMs: () => 20, onRetry: ({ waitMs }) => waits.push(waitMs) }))

    expect(waits).toEqual([20])
  })

  it('grows the wait with each attempt, jitter at its largest', async () => {
    const waits: number[] = []
    const stop = new AbortController()
    const onRetry = ({ attempt, waitMs }: { attempt: number; waitMs: number }): void => {
      waits.push(waitMs)
      stop.abort(new Error(`stopped after ${attempt}`))
    }

    await expect(
      retry(failing(9), options({ signal: stop.signal, policy: { times: 9, delayMs: 0 }, random: () => 1, onRetry })),
    ).rejects.toThrow()

    expect(waits).toEqual([1000])
  })
})
