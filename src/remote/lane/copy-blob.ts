/**
 * Moves one blob from a GET to a PUT, verified on its way, without a stream.
 *
 * Orders, descriptor and outcome are plain data. Only {@link CopyOptions.nextSource}
 * asks back: whoever holds credentials and patience answers redirects, challenges
 * and cuts with another order, and the copy goes on where it was, inside the same PUT.
 */
import type { CallOptions } from '../../content/ports.ts'
import type { Expected } from '../../content/verify-stream.ts'
import type { HttpOrder } from '../http-order.ts'
import type { GetAnswer, LaneBody, LaneGet } from './http-get.ts'
import type { LanePut, PutOutcome } from './http-put.ts'
import type { LaneFailure, LaneResponse } from './lane-types.ts'
import { SlabRelay } from './slab-relay.ts'
import type { SlabPool } from './slab-relay.ts'

export interface CopyOrder {
  readonly content: Expected
  readonly get: HttpOrder
  readonly put: HttpOrder
}

/** Why the source gave nothing more, and what it was asked. */
export type SourceProblem = (
  | { readonly kind: 'answered'; readonly response: LaneResponse }
  | { readonly kind: 'failed'; readonly failure: LaneFailure }
) & { readonly order: HttpOrder; /** Bytes that have arrived, all attempts together. */ readonly received: number }

export type CopyOutcome =
  | { readonly kind: 'copied' }
  | SourceOutcome
  | { readonly kind: 'target-answered'; readonly response: LaneResponse }
  | { readonly kind: 'target-failed'; readonly failure: LaneFailure; readonly stale: boolean }

type SourceOutcome =
  | { readonly kind: 'wrong-digest'; readonly actual: string }
  | { readonly kind: 'wrong-size'; readonly announced: number }
  /** The lane cannot read this answer; another client may. */
  | { readonly kind: 'source-unsupported'; readonly reason: string }
  /** The source cannot go on from the middle. */
  | { readonly kind: 'source-cannot-resume' }
  /** `nextSource` gave up. */
  | { readonly kind: 'source-failed'; readonly problem: SourceProblem }

export interface CopyOptions {
  readonly signal: AbortSignal
  readonly stallTimeoutMs: number
  /** The order to go on with after `problem`, or `undefined` to give up. */
  readonly nextSource: (problem: SourceProblem, options: CallOptions) => Promise<HttpOrder | undefined>
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
  const source: SourceContext = {
    ...options,
    content,
    lane: lanes.get,
    signal: AbortSignal.any([options.signal, stop.signal]),
  }
  try {
    const first = await openSource(order.get, 0, source)
    if (first.kind !== 'body') return first
    let { body } = first
    const put = lanes.put.start(order.put, { ...source, size: content.size })
    const relay = new SlabRelay(content, put, { ...options, slabs: lanes.slabs, onResume: () => body.resume() })

    const pump = async (get: HttpOrder): Promise<SourceOutcome | undefined> => {
      const delivered = await body.deliver(relay)
      if (delivered.kind === 'complete') return relay.end?.kind === 'wrong-digest' ? relay.end : undefined
      const problem = { kind: 'failed', failure: delivered.failure, order: get, received: relay.received } as const
      const next = await options.nextSource(problem, source)
      if (next === undefined) return { kind: 'source-failed', problem }
      const again = await openSource(next, relay.received, source)
      if (again.kind !== 'body') return again
      body = again.body
      return pump(again.order)
    }

    const ended = await Promise.race([
      pump(first.order).then((failed) => ({ failed, answer: undefined })),
      put.outcome.then((answer) => ({ failed: undefined, answer })),
    ])
    return ended.failed ?? targetOutcome(ended.answer ?? (await put.outcome))
  } finally {
    // Whatever is still open on either side ends here.
    stop.abort()
  }
}

interface SourceContext extends CopyOptions {
  readonly content: Expected
  readonly lane: LaneGet
}

interface OpenSource {
  readonly kind: 'body'
  readonly body: LaneBody
  /** The order that was answered, after redirects and challenges. */
  readonly order: HttpOrder
}

async function openSource(get: HttpOrder, offset: number, context: SourceContext): Promise<OpenSource | SourceOutcome> {
  for (let order = get; ;) {
    const answer = await context.lane.open(order, { ...context, offset })
    switch (answer.kind) {
      case 'body': {
        const problem = bodyProblem(answer, offset, context.content.size)
        if (problem === undefined) return { kind: 'body', body: answer.body, order }
        answer.body.destroy()
        return problem
      }
      case 'unsupported': {
        return offset > 0 ? { kind: 'source-cannot-resume' } : { kind: 'source-unsupported', reason: answer.reason }
      }
      case 'answered':
      case 'failed': {
        if (answer.kind === 'answered' && answer.response.status === 416) return { kind: 'source-cannot-resume' }
        const problem: SourceProblem = { ...answer, order, received: offset }
        const next = await context.nextSource(problem, context)
        if (next === undefined) return { kind: 'source-failed', problem }
        order = next
      }
    }
  }
}

/** Whether the body is exactly the blob from `offset` on, as far as its head can tell. */
function bodyProblem(
  { head, length }: Extract<GetAnswer, { kind: 'body' }>,
  offset: number,
  size: number,
): SourceOutcome | undefined {
  if (offset === 0) {
    if (head.status !== 200) return { kind: 'source-unsupported', reason: 'a part where the whole was asked for' }
    return length === size ? undefined : { kind: 'wrong-size', announced: length }
  }
  const range = /^bytes (?<first>[0-9]{1,15})-(?<last>[0-9]{1,15})\/(?<total>[0-9]{1,15}|\*)$/.exec(
    head.headers['content-range'] ?? '',
  )
  const first = Number(range?.groups?.['first'])
  const last = Number(range?.groups?.['last'])
  const total = range?.groups?.['total']
  const fits =
    first === offset && last === size - 1 && length === size - offset && (total === '*' || total === String(size))
  return head.status === 206 && fits ? undefined : { kind: 'source-cannot-resume' }
}

function targetOutcome(answer: PutOutcome): CopyOutcome {
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
