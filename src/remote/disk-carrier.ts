/**
 * Carries blobs to slots on a disk: from registries over the lane, from anywhere
 * else as streams; from a local cache first, where there is one.
 *
 * What fills a slot has been verified, whichever way it came. What a run that was
 * stopped left of a blob is hashed again, and only the rest is fetched.
 */
import { hasCode } from '../base/errors.ts'
import type { RetryPolicy } from '../base/retry.ts'
import { Semaphores } from '../base/semaphore.ts'
import type { BlobSlots } from '../content/blob-slots.ts'
import type { BlobCarrier, CarryOptions, CarryOrder, ContentSource, Place } from '../content/ports.ts'
import { SlotFile } from '../content/slot-file.ts'
import { givesOrders, noRetries, throttled } from './carry-job.ts'
import type { OrderingSource } from './carry-job.ts'
import { fillByLane } from './fill-by-lane.ts'
import { fillByStream } from './fill-by-stream.ts'
import type { FillJob } from './fill-job.ts'
import { LaneGet } from './lane/http-get.ts'
import { SlabPool } from './lane/slab-relay.ts'
import { RetryBudget } from './retry-budget.ts'

export interface DiskCarrierOptions {
  readonly slots: BlobSlots
  /** A registry's repository gives orders too, so that its blobs take the lane. */
  readonly source: (place: Place) => ContentSource | OrderingSource
  /** Blobs that need no fetching. Tried first, and passed over in silence where it has a blob not or damaged. */
  readonly cache?: ContentSource
  readonly retry: RetryPolicy
  /** An attempt on which nothing moves for so long is given up, in milliseconds. */
  readonly stallTimeoutMs: number
  /** Blobs on their way from one registry at once. */
  readonly blobsPerHost: number
}

export class DiskCarrier implements BlobCarrier, Disposable {
  readonly #options: DiskCarrierOptions
  readonly #lanes = { get: new LaneGet(), slabs: new SlabPool() }
  readonly #places: Semaphores

  constructor(options: DiskCarrierOptions) {
    this.#options = options
    this.#places = new Semaphores(options.blobsPerHost)
  }

  /** The target of the order is not looked at: each blob has one slot, whoever wants it. */
  async carry({ content, from }: CarryOrder, options: CarryOptions): Promise<void> {
    const { slots, retry } = this.#options
    using _place = await this.#places.of(from.kind === 'repository' ? from.registry : 'disk').acquire(options.signal)
    const slot = slots.slot(content)
    if (slot === undefined) return
    using file = new SlotFile(content, slot, slots)
    const job: FillJob = {
      content,
      file,
      budget: new RetryBudget({ ...options, policy: retry }),
      signal: options.signal,
      onProgress: throttled(content, options.onProgress),
    }
    if (!(await this.#fromCache(job))) await this.#fromSource(from, job)
    slots.completed(content.digest)
  }

  [Symbol.dispose](): void {
    this.#lanes.get[Symbol.dispose]()
  }

  async #fromCache(job: FillJob): Promise<boolean> {
    const { cache } = this.#options
    if (cache === undefined) return false
    try {
      // Opening it first costs no hashing for the many blobs that it has not.
      const bytes = await cache.open(job.content, { signal: job.signal, offset: job.file.received })
      try {
        await fillByStream({ open: () => Promise.resolve(bytes) }, { ...job, budget: noRetries(job) })
      } finally {
        bytes.destroy()
      }
      return true
    } catch (error) {
      // Whatever was wrong, the source is as good; a disk that failed says so again.
      job.signal.throwIfAborted()
      startOverAfter(error, job)
      return false
    }
  }

  async #fromSource(from: Place, job: FillJob): Promise<void> {
    const source = this.#options.source(from)
    const { stallTimeoutMs } = this.#options
    let byLane = from.kind === 'repository' && givesOrders(source)
    for (;;) {
      try {
        if (!byLane || from.kind !== 'repository' || !givesOrders(source)) return await fillByStream(source, job)
        const lane = { lanes: this.#lanes, source, sourceRegistry: from.registry, stallTimeoutMs }
        const result = await fillByLane({ ...job, ...lane })
        if (result === 'filled') return
        if (result === 'again') job.file.restart()
        byLane = result === 'again'
      } catch (error) {
        startOverAfter(error, job)
        await job.budget.spend(error, job.file.received)
      }
    }
  }
}

/** Nobody knows which of the bytes were wrong. */
function startOverAfter(error: unknown, { file }: FillJob): void {
  if (hasCode(error, 'DIGEST_MISMATCH', 'SIZE_MISMATCH')) file.restart()
}
