/**
 * Carries blobs to registries: from registries and archives over the lane, from
 * anywhere else as streams; from a local cache first, where there is one.
 *
 * What arrives has been verified, whichever way it came.
 */
import type { RetryPolicy } from '../base/retry.ts'
import { Semaphores } from '../base/semaphore.ts'
import type { BlobCarrier, CarryOptions, CarryOrder, ContentSource, Place } from '../content/ports.ts'
import type { RepositoryName } from '../oci/reference.ts'
import { carryByLane, carryFromReader } from './carry-by-lane.ts'
import type { LaneJob, LaneResult } from './carry-by-lane.ts'
import { carryByStream } from './carry-by-stream.ts'
import { givesOrders, givesReaders, noRetries, throttled } from './carry-job.ts'
import type { CarryJob, OrderingSource, OrderingTarget } from './carry-job.ts'
import type { Lanes } from './lane/copy-blob.ts'
import { LaneGet } from './lane/http-get.ts'
import { LanePut } from './lane/http-put.ts'
import { SlabPool } from './lane/slab-relay.ts'
import { RetryBudget } from './retry-budget.ts'

export interface RemoteCarrierOptions {
  /** A registry's repository gives orders too, and an archive's readers, so that their blobs take the lane. */
  readonly source: (place: Place) => ContentSource | OrderingSource
  readonly target: (name: RepositoryName) => OrderingTarget
  /** Blobs that need no fetching. Tried first, and passed over in silence where it has a blob not or damaged. */
  readonly cache?: ContentSource
  readonly retry: RetryPolicy
  /** An attempt on which nothing moves for so long is given up, in milliseconds. */
  readonly stallTimeoutMs: number
  /** Blobs on their way from one registry at once, and to one. */
  readonly blobsPerHost: number
}

export class RemoteCarrier implements BlobCarrier, Disposable {
  readonly #options: RemoteCarrierOptions
  readonly #lanes: Lanes & { readonly get: LaneGet; readonly put: LanePut }
  readonly #places: Semaphores

  constructor(options: RemoteCarrierOptions) {
    this.#options = options
    this.#places = new Semaphores(options.blobsPerHost)
    this.#lanes = { get: new LaneGet(), put: new LanePut(), slabs: new SlabPool() }
  }

  async carry({ content, from, to }: CarryOrder, options: CarryOptions): Promise<void> {
    if (to.kind !== 'repository') throw new Error(`a blob cannot be carried to a ${to.kind}`)
    const { signal } = options
    // Sources are waited for before targets by all, so nobody waits in a circle.
    using _from = await this.#places.of(`from ${hostOf(from)}`).acquire(signal)
    using _to = await this.#places.of(`to ${to.registry}`).acquire(signal)
    const job: CarryJob = {
      content,
      target: this.#options.target(to),
      targetRegistry: to.registry,
      budget: new RetryBudget({ ...options, policy: this.#options.retry }),
      signal,
      onProgress: throttled(content, options.onProgress),
    }
    if (!(await this.#fromCache(job))) await this.#fromSource(from, job)
  }

  [Symbol.dispose](): void {
    this.#lanes.get[Symbol.dispose]()
    this.#lanes.put[Symbol.dispose]()
  }

  async #fromCache(job: CarryJob): Promise<boolean> {
    const { cache } = this.#options
    if (cache === undefined) return false
    try {
      // Opening it first costs no upload for the many blobs that it has not.
      const bytes = await cache.open(job.content, job)
      await carryByStream({ open: () => Promise.resolve(bytes) }, { ...job, budget: noRetries(job) })
      return true
    } catch {
      // Whatever was wrong, the source is as good; where the target is at fault, the source's attempt says so.
      job.signal.throwIfAborted()
      return false
    }
  }

  async #fromSource(from: Place, job: CarryJob): Promise<void> {
    const source = this.#options.source(from)
    const allowances = { targetReauthorised: false, stale: 0 }
    let byLane = true
    for (;;) {
      try {
        const attempt: Promise<LaneResult> | undefined = byLane
          ? this.#byLane(from, source, { ...job, allowances })
          : undefined
        if (attempt === undefined) return await carryByStream(source, job)
        const result: LaneResult = await attempt
        if (result === 'carried') return
        byLane = result === 'again'
      } catch (error) {
        await job.budget.spend(error)
      }
    }
  }

  /** `undefined` where the lane cannot read the source. */
  #byLane(
    from: Place,
    source: ContentSource | OrderingSource,
    job: Pick<LaneJob, 'allowances'> & CarryJob,
  ): Promise<LaneResult> | undefined {
    const lane = { ...job, lanes: this.#lanes, stallTimeoutMs: this.#options.stallTimeoutMs }
    if (from.kind === 'repository' && givesOrders(source))
      return carryByLane({ ...lane, source, sourceRegistry: from.registry })
    const reader = givesReaders(source) ? source.reader(job.content.digest) : undefined
    return reader && carryFromReader({ ...lane, reader })
  }
}

/** What shares a limit: a registry, or what lies on this machine's disk. */
function hostOf(place: Place): string {
  switch (place.kind) {
    case 'repository':
      return place.registry
    case 'layout':
      return place.name
    case 'archive':
      return 'archive'
  }
}
