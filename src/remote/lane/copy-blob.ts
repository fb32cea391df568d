/**
 * Moves one blob from a GET to a PUT, verified on its way, without a stream.
 *
 * Orders, descriptor and outcome are plain data; the copy goes on where it was,
 * inside the same PUT, when the source is cut.
 */
import type { Expected } from '../../content/verify-stream.ts'
import type { HttpOrder } from '../http-order.ts'
import { BlobSource } from './blob-source.ts'
import type { ReadOptions, SourceContext, SourceOutcome } from './blob-source.ts'
import type { LaneGet } from './http-get.ts'
import type { LanePut, PutOutcome } from './http-put.ts'
import type { LaneFailure, LaneResponse } from './lane-types.ts'
import { SlabRelay } from './slab-relay.ts'
import type { SlabPool } from './slab-relay.ts'

export interface CopyOrder {
  readonly content: Expected
  readonly get: HttpOrder
  readonly put: HttpOrder
}

export type CopyOutcome =
  | { readonly kind: 'copied' }
  | SourceOutcome
  | { readonly kind: 'target-answered'; readonly response: LaneResponse }
  | { readonly kind: 'target-failed'; readonly failure: LaneFailure; readonly stale: boolean }

export interface CopyOptions extends ReadOptions {
  readonly onProgress: (received: number) => void
}

export interface Lanes {
  readonly get: LaneGet
  readonly put: LanePut
  readonly slabs: SlabPool
}

/** @throws `signal.reason` and what `nextSource` throws; all else is an outcome. */
export async function copyBlob(order: CopyOrder, lanes: Lanes, options: CopyOptions): Promise<CopyOutcome> {
  const { content } = order
  const stop = new AbortController()
  const context: SourceContext = {
    ...options,
    content,
    lane: lanes.get,
    signal: AbortSignal.any([options.signal, stop.signal]),
  }
  try {
    const source = await BlobSource.open(order.get, 0, context)
    if (source.kind !== 'open') return source
    const put = lanes.put.start(order.put, { ...context, size: content.size })
    const relay = new SlabRelay(content, put, { ...options, slabs: lanes.slabs, onResume: () => source.resume() })
    const ended = await Promise.race([
      source.deliver(relay).then((failed) => ({ failed, answer: undefined })),
      put.outcome.then((answer) => ({ failed: undefined, answer })),
    ])
    return ended.failed ?? targetOutcome(ended.answer ?? (await put.outcome))
  } finally {
    // Whatever is still open on either side ends here.
    stop.abort()
  }
}

/** What the answer to a PUT says about the blob. */
export function targetOutcome(answer: PutOutcome): CopyOutcome {
  if (answer.kind === 'failed') return { kind: 'target-failed', failure: answer.failure, stale: answer.stale }
  const { response, whole } = answer
  if (response.status < 200 || response.status >= 300) return { kind: 'target-answered', response }
  if (whole) return { kind: 'copied' }
  return {
    kind: 'target-failed',
    failure: { kind: 'protocol', message: `answered ${response.status} before the blob had ended` },
    stale: false,
  }
}
