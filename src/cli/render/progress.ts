/**
 * What the events of a run add up to: the numbers that a progress display shows.
 *
 * Bytes count when they arrive, and stop counting when the attempt that brought
 * them starts over; the rate counts every byte that moved.
 */
import type { ImageId } from '../../plan/plan-types.ts'
import type { TransferEvent } from '../../transfer/events.ts'

export interface RunningImage {
  readonly origin: string
  readonly total: number
  /** Fetched, mounted and found, in bytes. */
  done: number
}

export interface Progress {
  phase: Extract<TransferEvent, { type: 'phase' }>['phase'] | undefined
  collected: number
  toCollect: number
  images: number
  copied: number
  present: number
  failed: number
  /** Bytes that the plan fetches, and those of refused mounts. */
  toFetch: number
  fetched: number
  mounted: number
  found: number
  readonly running: Map<ImageId, RunningImage>
  readonly blobs: Map<string, number>
  readonly refusedMounts: Set<string>
  /** All bytes that have moved, and when: `[ms, bytes]`, oldest first. */
  moved: number
  readonly samples: [number, number][]
}

export function startProgress(): Progress {
  return {
    phase: undefined,
    collected: 0,
    toCollect: 0,
    images: 0,
    copied: 0,
    present: 0,
    failed: 0,
    toFetch: 0,
    fetched: 0,
    mounted: 0,
    found: 0,
    running: new Map(),
    blobs: new Map(),
    refusedMounts: new Set(),
    moved: 0,
    samples: [],
  }
}

export function advance(progress: Progress, event: TransferEvent): void {
  switch (event.type) {
    case 'phase':
      progress.phase = event.phase
      return
    case 'image-collected':
      progress.collected = event.done
      progress.toCollect = event.total
      return
    case 'planned':
      progress.images = event.totals.images + event.unresolved
      progress.toFetch = event.totals.bytes.toFetch
      return
    case 'image-started':
      progress.running.set(event.image, { origin: event.origin, total: event.bytes, done: 0 })
      return
    case 'blob-started':
      if (progress.refusedMounts.delete(keyOf(event))) progress.toFetch += event.size
      return arrive(progress, event, 0)
    case 'blob-progress':
      return arrive(progress, event, event.received)
    case 'blob-finished':
      arrive(progress, event, event.size)
      progress.blobs.delete(keyOf(event))
      return
    case 'blob-skipped':
      progress[event.reason === 'mounted' ? 'mounted' : 'found'] += event.size
      return grow(progress, event.image, event.size)
    case 'mount-refused':
      progress.refusedMounts.add(keyOf(event))
      return
    case 'image-finished':
      progress[event.state] += 1
      return stop(progress, event.image)
    case 'image-failed':
      progress.failed += 1
      if (event.failure.target !== undefined) stop(progress, event.failure.target)
      return
    case 'warning':
    case 'archive-planned':
    case 'retry':
    case 'manifest-finished':
    case 'file-written':
    case 'run-finished':
      return
  }
}

interface BlobOfImage {
  readonly image: ImageId
  readonly digest: string
}

function keyOf({ image, digest }: BlobOfImage): string {
  return `${image} ${digest}`
}

function arrive(progress: Progress, blob: BlobOfImage, received: number): void {
  const before = progress.blobs.get(keyOf(blob)) ?? 0
  progress.blobs.set(keyOf(blob), received)
  progress.fetched += received - before
  progress.moved += Math.max(received - before, 0)
  grow(progress, blob.image, received - before)
}

function grow(progress: Progress, image: ImageId, bytes: number): void {
  const running = progress.running.get(image)
  if (running !== undefined) running.done += bytes
}

/** What a failed image had under way no longer counts as fetched. */
function stop(progress: Progress, image: ImageId): void {
  progress.running.delete(image)
  for (const [key, received] of progress.blobs) {
    if (!key.startsWith(`${image} `)) continue
    progress.fetched -= received
    progress.blobs.delete(key)
  }
}

const WINDOW_MS = 10_000

/** Bytes a second over the last ten; `undefined` until there is something to divide. */
export function measureRate(progress: Progress, nowMs: number): number | undefined {
  const { samples, moved } = progress
  samples.push([nowMs, moved])
  while ((samples[1]?.[0] ?? nowMs) < nowMs - WINDOW_MS) samples.shift()
  const [startMs, start] = samples[0] ?? [nowMs, moved]
  return nowMs - startMs < 500 ? undefined : ((moved - start) * 1000) / (nowMs - startMs)
}
