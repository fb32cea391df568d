/**
 * What the source of a blob on the lane asks meanwhile, and the answers:
 * redirects, challenges, cuts.
 */
import { AirliftError } from '../base/errors.ts'
import type { CallOptions } from '../content/ports.ts'
import type { CarryJob, OrderingSource } from './carry-job.ts'
import type { HttpOrder } from './http-order.ts'
import type { SourceProblem } from './lane/blob-source.ts'
import type { LaneFailure } from './lane/lane-types.ts'
import { MAX_REDIRECTS } from './redirect.ts'
import { connectionError } from './request-errors.ts'
import type { Peer } from './request-errors.ts'

export interface SourceJob extends Pick<CarryJob, 'content' | 'budget'> {
  readonly source: OrderingSource
  readonly sourceRegistry: string
}

/** What the source answers to, in one attempt. */
export class SourceTalk {
  readonly #job: SourceJob
  #redirects = 0
  #isReauthorised = false

  constructor(job: SourceJob) {
    this.#job = job
  }

  /** `undefined` where the general client has to go on. */
  async next(problem: SourceProblem, options: CallOptions): Promise<HttpOrder | undefined> {
    const { source, sourceRegistry, content, budget } = this.#job
    const doing = `reading blob ${content.digest}`
    if (problem.kind === 'failed') {
      await budget.spend(
        laneError({ side: 'source', registry: sourceRegistry }, doing, problem.failure),
        problem.received,
      )
      return this.#start(options)
    }
    const { response, order } = problem
    const { location } = response.headers
    if (isRedirect(response.status) && location !== undefined) {
      this.#redirects += 1
      if (this.#redirects > MAX_REDIRECTS) throw tooManyRedirects(doing, sourceRegistry)
      return reachable(await source.resolveRedirect(order, location, options))
    }
    if (response.status === 401 && !this.#isReauthorised) {
      this.#isReauthorised = true
      const fresh = await source.reauthorise(order, response, options)
      if (fresh !== undefined) return fresh
    }
    // A refusal that the lane could not read: the general client asks again and says why.
    if (response.body === '' && response.status >= 402 && response.status < 500) return undefined
    await budget.spend(source.refusal(order, doing, response), problem.received)
    return this.#start(options)
  }

  /** From the registry again: the address that it led to may have been for one use. */
  async #start(options: CallOptions): Promise<HttpOrder | undefined> {
    this.#redirects = 0
    this.#isReauthorised = false
    return reachable(await this.#job.source.blobGet(this.#job.content, options))
  }
}

function isRedirect(status: number): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308
}

function reachable(order: HttpOrder): HttpOrder | undefined {
  return order.proxy === undefined ? order : undefined
}

/** Codes that {@link connectionError} has words for. */
const CODES = {
  stalled: 'UND_ERR_BODY_TIMEOUT',
  cut: 'ECONNRESET',
  unreachable: 'ECONNRESET',
  protocol: 'EPROTO',
} as const

export function laneError(peer: Pick<Peer, 'side' | 'registry'>, doing: string, failure: LaneFailure): unknown {
  const error = Object.assign(new Error(failure.message), { code: failure.code ?? CODES[failure.kind] })
  return connectionError({ ...peer, lookedIn: () => [] }, doing, error)
}

function tooManyRedirects(doing: string, registry: string): AirliftError {
  return new AirliftError('REGISTRY_UNSUPPORTED', `source: ${doing}: more than ${MAX_REDIRECTS} redirects`, {
    hint: `check the storage settings of ${registry}`,
    details: { side: 'source', registry },
  })
}
