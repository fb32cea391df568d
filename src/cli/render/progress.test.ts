import { describe, expect, it } from 'vitest'
import type { TransferEvent } from '../../transfer/events.ts'
import { advance, measureRate, startProgress } from './progress.ts'
import type { Progress } from './progress.ts'

const A = 'mirror.example/a:1'
const B = 'mirror.example/b:1'
const BYTES = { total: 400, unique: 300, shared: 100, present: 0, reused: 0, mounted: 100, toFetch: 300 }

function after(...events: readonly TransferEvent[]): Progress {
  const progress = startProgress()
  for (const event of events) advance(progress, event)
  return progress
}

const planned: TransferEvent = {
  type: 'planned',
  totals: { images: 2, present: 0, manifests: 2, blobs: 4, bytes: BYTES },
  blocked: 0,
  unresolved: 1,
}
const started = (image: string): TransferEvent => ({ type: 'image-started', image, origin: image, bytes: 200 })

describe('progress', () => {
  it('counts bytes when they arrive, and once', () => {
    const progress = after(
      planned,
      started(A),
      { type: 'blob-started', image: A, digest: 'x', size: 100 },
      { type: 'blob-progress', image: A, digest: 'x', received: 60, size: 100 },
      { type: 'blob-finished', image: A, digest: 'x', size: 100 },
      { type: 'blob-started', image: A, digest: 'y', size: 50 },
      { type: 'blob-progress', image: A, digest: 'y', received: 20, size: 50 },
      { type: 'blob-skipped', image: A, digest: 'z', size: 30, reason: 'mounted' },
      { type: 'blob-skipped', image: A, digest: 'w', size: 7, reason: 'exists' },
    )

    expect(progress).toMatchObject({ images: 3, toFetch: 300, fetched: 120, mounted: 30, found: 7 })
    expect(progress.running.get(A)).toEqual({ origin: A, total: 200, done: 157 })
  })

  it('takes back what an attempt brought that starts over, but not that it moved', () => {
    const progress = after(
      started(A),
      { type: 'blob-started', image: A, digest: 'x', size: 100 },
      { type: 'blob-progress', image: A, digest: 'x', received: 60, size: 100 },
      { type: 'blob-progress', image: A, digest: 'x', received: 10, size: 100 },
    )

    expect([progress.fetched, progress.moved]).toEqual([10, 60])
  })

  it('adds the blob of a refused mount to what is to fetch', () => {
    const progress = after(
      planned,
      started(A),
      { type: 'mount-refused', image: A, digest: 'x' },
      { type: 'blob-started', image: A, digest: 'x', size: 100 },
    )

    expect(progress.toFetch).toBe(400)
  })

  it('forgets what a failed image had under way, and only that', () => {
    const progress = after(
      started(A),
      started(B),
      { type: 'blob-started', image: A, digest: 'x', size: 100 },
      { type: 'blob-progress', image: A, digest: 'x', received: 60, size: 100 },
      { type: 'blob-started', image: B, digest: 'x', size: 100 },
      { type: 'blob-progress', image: B, digest: 'x', received: 5, size: 100 },
      {
        type: 'image-failed',
        failure: { kind: 'generic', origin: A, target: A, side: 'source', code: 'TIMEOUT', message: 'no answer' },
      },
    )

    expect(progress).toMatchObject({ failed: 1, fetched: 5 })
    expect([...progress.running.keys()]).toEqual([B])
  })

  it('counts images by how they ended', () => {
    const progress = after(
      { type: 'image-finished', image: A, state: 'present' },
      { type: 'image-finished', image: B, state: 'copied' },
    )

    expect(progress).toMatchObject({ present: 1, copied: 1, failed: 0 })
  })
})

it('measures the rate over the last ten seconds', () => {
  const progress = startProgress()
  const measure = (second: number, moved: number): number | undefined => {
    progress.moved = moved
    return measureRate(progress, second * 1000)
  }

  expect(measure(0, 0)).toBeUndefined()
  expect(measure(2, 2000)).toBe(1000)
  expect(measure(10, 10_000)).toBe(1000)
  expect(measure(30, 10_000)).toBe(0)
})
