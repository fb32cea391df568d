/**
 * A blob's bytes from wherever they can be had: opens the source, and goes on
 * with another order where it was cut.
 *
 * Only {@link ReadOptions.nextSource} asks back: whoever holds credentials and
 * patience answers redirects, challenges and cuts with another order.
 */
import type { CallOptions } from '../../content/ports.ts'
import type { Expected } from '../../content/verify-stream.ts'
import type { HttpOrder } from '../http-order.ts'
import type { GetAnswer, LaneBody, LaneGet } from './http-get.ts'
import type { LaneFailure, LaneResponse } from './lane-types.ts'
import type { SlabRelay } from './slab-relay.ts'

/** Why the source gave nothing more, and what it was asked. */
export type SourceProblem = (
  | { readonly kind: 'answered'; readonly response: LaneResponse }
  | { readonly kind: 'failed'; readonly failure: LaneFailure }
) & { readonly order: HttpOrder; /** Bytes that have arrived, all attempts together. */ readonly received: number }

export type SourceOutcome =
  | { readonly kind: 'wrong-digest'; readonly actual: string }
  | { readonly kind: 'wrong-size'; readonly announced: number }
  /** The lane cannot read this answer; another client may. */
  | { readonly kind: 'source-unsupported'; readonly reason: string }
  /** The source cannot go on from the middle. */
  | { readonly kind: 'source-cannot-resume' }
  /** `nextSource` gave up. */
  | { readonly kind: 'source-failed'; readonly problem: SourceProblem }

export interface ReadOptions {
  readonly signal: AbortSignal
  readonly stallTimeoutMs: number
  /** The order to go on with after `problem`, or `undefined` to give up. */
  readonly nextSource: (problem: SourceProblem, options: CallOptions) => Promise<HttpOrder | undefined>
}

export interface SourceContext extends ReadOptions {
  readonly content: Expected
  readonly lane: LaneGet
}

interface OpenBody {
  readonly kind: 'body'
  readonly body: LaneBody
  /** The order that was answered, after redirects and challenges. */
  readonly order: HttpOrder
}

export class BlobSource {
  readonly kind = 'open'
  readonly #context: SourceContext
  #open: OpenBody

  /** Asks for the blob from `offset` on, and waits for the head of the answer. */
  static async open(get: HttpOrder, offset: number, context: SourceContext): Promise<BlobSource | SourceOutcome> {
    const open = await openBody(get, offset, context)
    return open.kind === 'body' ? new BlobSource(open, context) : open
  }

  private constructor(open: OpenBody, context: SourceContext) {
    this.#open = open
    this.#context = context
  }

  /** Goes on after the relay asked for a pause. */
  resume(): void {
    this.#open.body.resume()
  }

  /** Delivers all that lacks; `undefined` where the blob came whole and right. */
  async deliver(relay: SlabRelay): Promise<SourceOutcome | undefined> {
    for (;;) {
      const { body, order } = this.#open
      const delivered = await body.deliver(relay)
      if (delivered.kind === 'complete') return relay.end?.kind === 'wrong-digest' ? relay.end : undefined
      const problem = { kind: 'failed', failure: delivered.failure, order, received: relay.received } as const
      const next = await this.#context.nextSource(problem, this.#context)
      if (next === undefined) return { kind: 'source-failed', problem }
      const again = await openBody(next, relay.received, this.#context)
      if (again.kind !== 'body') return again
      this.#open = again
    }
  }
}

async function openBody(get: HttpOrder, offset: number, context: SourceContext): Promise<OpenBody | SourceOutcome> {
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
