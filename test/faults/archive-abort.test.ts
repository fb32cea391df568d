/**
 * A run that writes an archive, aborted after its n-th event, ends with the same bytes when it is run again, and fetches
 * nothing that had arrived.
 */
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { TransferEvent } from '../../src/transfer/events.ts'
import { toDisk } from '../support/mirror-run.ts'
import { startOurRegistry } from '../support/our-registry.ts'
import { pushImage } from '../support/push-image.ts'
import { randomImage } from '../support/random-image.ts'
import { sample, SEED } from '../support/sample.ts'
import { tempDir } from '../support/temp-dir.ts'
import { writeImageSet } from '../support/user-files.ts'
import { fetchedBlobs, startSmallSet } from './small-set.ts'

const SAMPLES = 12
const MIB = 1024 * 1024
/** How far before its end a blob that had begun may be taken up again, at most. */
const CHECKPOINT = 8 * MIB

/** Name and hash of each volume. */
async function volumesIn(root: string): Promise<Readonly<Record<string, string>>> {
  const names = (await readdir(root)).filter((name) => name.endsWith('.tar')).toSorted()
  const hashes = names.map(async (name): Promise<[string, string]> => {
    return [
      name,
      createHash('sha256')
        .update(await readFile(join(root, name)))
        .digest('hex'),
    ]
  })
  return Object.fromEntries(await Promise.all(hashes))
}

async function abortWhen(
  config: string,
  root: string,
  isTime: (event: TransferEvent, count: number) => boolean,
): Promise<readonly TransferEvent[]> {
  const stop = new AbortController()
  const reason = new Error('interrupted by the test')
  const events: TransferEvent[] = []
  const onEvent = (event: TransferEvent): void => {
    events.push(event)
    if (isTime(event, events.length)) stop.abort(reason)
  }
  await expect(toDisk(config, root, { signal: stop.signal, onEvent })).rejects.toBe(reason)
  return events
}

it(
  `an archive that was interrupted gets the same bytes, and nothing is fetched twice (AIRLIFT_SEED=${SEED})`,
  { timeout: 600_000 },
  async () => {
    await using dir = await tempDir()
    await using set = await startSmallSet(dir)
    const { config, source } = set
    const calm: TransferEvent[] = []
    await toDisk(config, dir.join('calm'), { onEvent: (event) => calm.push(event) })
    const expected = await volumesIn(dir.join('calm'))
    const closing = calm.findIndex((event) => event.type === 'phase' && event.phase === 'close')

    for (const n of sample(closing + 1, SAMPLES)) {
      const root = dir.join(`interrupted-${n}`)
      const events = await abortWhen(config, root, (_event, count) => count === n)
      const arrived = new Set(events.flatMap((event) => (event.type === 'blob-finished' ? [event.digest] : [])))
      source.requests.length = 0

      // Once the transfer has begun, the plan is pinned, its time with it.
      const isPinned = events.some((event) => event.type === 'phase' && event.phase === 'transfer')
      const result = await toDisk(config, root, isPinned ? { now: '2027-01-01T00:00:00Z' } : {})

      expect({ n, exitCode: result.exitCode, volumes: await volumesIn(root) }).toEqual({
        n,
        exitCode: 0,
        volumes: expected,
      })
      expect({ n, twice: fetchedBlobs(source).filter((digest) => arrived.has(digest as never)) }).toEqual({
        n,
        twice: [],
      })
    }
  },
)

it(
  'what had arrived of a blob is not fetched again, but for the last eight mebibytes',
  { timeout: 60_000 },
  async () => {
    await using dir = await tempDir()
    await using source = await startOurRegistry(dir.join('source'), { pauseMs: 2 })
    const size = 32 * MIB
    await pushImage(source.url, 'team/big', { image: randomImage({ seed: 1, layers: 1, bytes: size }), tag: 'v1' })
    const config = await writeImageSet(dir.join('isc.yaml'), [`${source.host}/team/big:v1`])
    const root = dir.join('archive')
    const isHalf = (event: TransferEvent): boolean => event.type === 'blob-progress' && event.received > size / 2

    await abortWhen(config, root, isHalf)
    const before = source.sentBytes()
    await toDisk(config, root)

    expect(before).toBeGreaterThan(size / 2)
    // Manifests and configurations, twice, and what was on its way when the connection was cut.
    expect(source.sentBytes()).toBeLessThan(size + CHECKPOINT + MIB)
  },
)

it(
  'with another configuration, whole blobs of the run that was stopped are used again',
  { timeout: 60_000 },
  async () => {
    await using dir = await tempDir()
    await using set = await startSmallSet(dir)
    const root = dir.join('archive')
    let finished = 0
    const events = await abortWhen(set.config, root, ({ type }) => type === 'blob-finished' && (finished += 1) === 5)
    const arrived = events.flatMap((event) => (event.type === 'blob-finished' ? [event.digest] : []))
    const text = await readFile(set.config, 'utf8')
    const other = await writeImageSet(
      dir.join('other.yaml'),
      [...text.matchAll(/name: (?<name>.*)/g)].map(([, name = '']) => name).toReversed(),
    )
    set.source.requests.length = 0

    expect(await toDisk(other, root, { now: '2027-01-01T00:00:00Z' })).toMatchObject({ exitCode: 0 })

    expect(arrived.length).toBeGreaterThan(0)
    expect(fetchedBlobs(set.source).filter((digest) => arrived.includes(digest as never))).toEqual([])
  },
)
