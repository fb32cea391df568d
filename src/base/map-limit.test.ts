import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { mapLimit } from './map-limit.ts'

const never = new AbortController().signal

describe('mapLimit', () => {
  it('keeps input order and never exceeds the limit', async () => {
    let running = 0
    let most = 0

    const results = await mapLimit(
      [3, 1, 2, 0],
      2,
      async (turns) => {
        most = Math.max(most, ++running)
        for (let i = 0; i < turns; i += 1) await turn()
        running -= 1
        return turns * 10
      },
      { signal: never },
    )

    expect(results).toEqual([30, 10, 20, 0])
    expect(most).toBe(2)
  })

  it('aborts the others at the first failure, and has settled them all by then', async () => {
    const ended: string[] = []

    const run = mapLimit(
      ['bad', 'slow'],
      2,
      async (name, signal) => {
        await turn()
        if (name === 'bad') throw new Error('first')
        while (!signal.aborted) await turn()
        ended.push(name)
      },
      { signal: never },
    )

    await expect(run).rejects.toThrow('first')
    expect(ended).toEqual(['slow'])
  })

  it('starts nothing once aborted', async () => {
    let started = 0

    await expect(
      mapLimit([1], 1, async () => void (started += 1), { signal: AbortSignal.abort(new Error('stop')) }),
    ).rejects.toThrow('stop')

    expect(started).toBe(0)
  })
})
