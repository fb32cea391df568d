/**
 * A run that is interrupted ends by itself, and the next one completes it.
 *
 * Aborted in this process after its n-th event: every n that the plan and the transfer have, or a sample without
 * `AIRLIFT_LONG=1`, which `AIRLIFT_SEED` repeats.
 */
import { expect, it } from 'vitest'
import type { TransferEvent } from '../../src/transfer/events.ts'
import { mirrorToMirror } from '../../src/workflow/mirror-to-mirror.ts'
import { optionsFor, toRegistry } from '../support/mirror-run.ts'
import { startOurRegistry } from '../support/our-registry.ts'
import type { OurRegistry } from '../support/our-registry.ts'
import { sample, SEED } from '../support/sample.ts'
import { storedContent } from '../support/stored-content.ts'
import { tempDir } from '../support/temp-dir.ts'
import { fetchedBlobs, startSmallSet } from './small-set.ts'

const SAMPLES = 12

interface Ended {
  /** Those that a run of the same set says each time: reports of progress come as the clock has it. */
  readonly events: readonly TransferEvent[]
  readonly isInterrupted: boolean
}

/** Runs until its end, or until it has said `abortAfter` events; what was done by then may be all. */
async function mirror(config: string, target: OurRegistry, abortAfter = Infinity): Promise<Ended> {
  const events: TransferEvent[] = []
  const stop = new AbortController()
  const reason = new Error('interrupted by the test')
  const run = mirrorToMirror(
    { ...optionsFor(config, `${target.directory}-workspace`), destination: toRegistry(target) },
    {
      env: { HOME: `${target.directory}-home` },
      cwd: target.directory,
      signal: stop.signal,
      now: () => new Date(),
      onEvent: (event) => {
        if (event.type !== 'blob-progress') events.push(event)
        if (events.length === abortAfter) stop.abort(reason)
      },
    },
  )
  const failure = await run.then(
    ({ exitCode }) => {
      expect(exitCode).toBe(0)
    },
    (error: unknown) => error,
  )
  if (failure !== undefined) expect(failure).toBe(reason)
  return { events, isInterrupted: failure !== undefined }
}

it(
  `the run after an interrupted one completes it, and fetches nothing that had arrived (AIRLIFT_SEED=${SEED})`,
  { timeout: 600_000 },
  async () => {
    await using dir = await tempDir()
    await using set = await startSmallSet(dir)
    const { config, source } = set
    await using calm = await startOurRegistry(dir.join('calm'))
    const { events } = await mirror(config, calm)
    const expected = await storedContent(calm.directory)
    const lastCopy = events.findLastIndex(({ type }) => type === 'image-finished')

    let interrupted = 0
    for (const n of sample(lastCopy, SAMPLES)) {
      await using target = await startOurRegistry(dir.join(`interrupted-${n}`))
      if ((await mirror(config, target, n)).isInterrupted) interrupted += 1
      const arrived = new Set((await storedContent(target.directory)).blobs)
      source.requests.length = 0

      await mirror(config, target)

      expect({ n, content: await storedContent(target.directory) }).toEqual({ n, content: expected })
      expect({ n, twice: fetchedBlobs(source).filter((digest) => arrived.has(digest)) }).toEqual({ n, twice: [] })
    }
    expect(interrupted).toBeGreaterThan(SAMPLES / 2)
  },
)
