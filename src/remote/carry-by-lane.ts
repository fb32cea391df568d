/**
 * Carries a blob from registry to registry over the lane: gets the orders, and
 * answers what the lane asks meanwhile (redirects, challenges, cuts).
 */
import { AirliftError } from '../base/errors.ts'
import type { CallOptions } from '../content/ports.ts'
import { digestMismatch, sizeMismatch } from '../content/verify-stream.ts'
import type { CarryJob, OrderingSource } from './carry-job.ts'
import type { HttpOrder, UploadTicket } from './http-order.ts'
import { copyBlob } from './lane/copy-blob.ts'
import type { CopyOutcome, Lanes, SourceProblem } from './lane/copy-blob.ts'
import type { LaneFailure, LaneResponse } from './lane/lane-types.ts'
import { MAX_REDIRECTS } from './redirect.ts'
import { connectionError } from './request-errors.ts'
import type { Peer } from './request-errors.ts'

export interface LaneJob extends CarryJob {
  readonly source: OrderingSource
  readonly sourceRegistry: string
  readonly lanes: Lanes
  readonly stallTimeoutMs: number
  readonly allowances: LaneAllowances
}

/** What may happen once for each blob without counting as an attempt. */
interface LaneAllowances {
  targetReauthorised: boolean
  /** Pooled connections that turned out to be closed. */
  stale: number
}

/**
 * - `again`: nothing is lost but time; try from scratch, at once.
 * - `unsupported`: only the general client can do this.
 */
export type LaneResult = 'carried' | 'again' | 'unsupported'

const MAX_STALE = 4

/** @throws {AirliftError} what ended the attempt; the budget decides on another. */
export async function carryByLane(job: LaneJob): Promise<LaneResult> {
  const { content, source, target, signal } = job
  const get = await source.blobGet(content, { signal })
  if (get.proxy !== undefined) return 'unsupported'
  const ticket = await target.beginUpload(content, { signal })
  let result: LaneResult = 'unsupported'
  try {
    if (ticket.minChunk === undefined && ticket.order.proxy === undefined) result = await copy(job, get, ticket)
  } finally {
    if (result !== 'carried') await target.abandonUpload(ticket)
  }
  return result
}

async function copy(job: LaneJob, get: HttpOrder, ticket: UploadTicket): Promise<LaneResult> {
  const talk = new SourceTalk(job)
  const order = { content: job.content, get, put: ticket.order }
  const outcome = await copyBlob(order, job.lanes, {
    signal: job.signal,
    stallTimeoutMs: job.stallTimeoutMs,
    nextSource: (problem, options) => talk.next(problem, options),
    onProgress: job.onProgress,
  })
  return conclude(outcome, job, ticket)
}

async function conclude(outcome: CopyOutcome, job: LaneJob, ticket: UploadTicket): Promise<LaneResult> {
  const { content } = job
  switch (outcome.kind) {
    case 'copied': {
      return 'carried'
    }
    case 'source-failed':
    case 'source-unsupported': {
      return 'unsupported'
    }
    case 'source-cannot-resume': {
      return 'again'
    }
    case 'wrong-digest': {
      throw digestMismatch(content, outcome.actual)
    }
    case 'wrong-size': {
      throw sizeMismatch(content, outcome.announced)
    }
    case 'target-answered': {
      return await targetAnswered(outcome.response, job, ticket)
    }
    case 'target-failed': {
      job.allowances.stale += outcome.stale ? 1 : 0
      if (outcome.stale && job.allowances.stale <= MAX_STALE) return 'again'
      throw laneError(
        { side: 'target', registry: job.targetRegistry },
        `writing blob ${content.digest}`,
        outcome.failure,
      )
    }
  }
}

async function targetAnswered(response: LaneResponse, job: LaneJob, { order }: UploadTicket): Promise<LaneResult> {
  const { target, content, allowances, signal } = job
  if (response.status === 401 && !allowances.targetReauthorised) {
    allowances.targetReauthorised = true
    if ((await target.reauthorise(order, response, { signal })) !== undefined) return 'again'
  }
  const refusal = target.refusal(order, `writing blob ${content.digest}`, response)
  // The target remembers, and takes this blob and later ones in chunks.
  if (response.status === 413) return 'unsupported'
  throw refusal
}

/** What the source answers to, in one attempt. */
class SourceTalk {
  readonly #job: LaneJob
  #redirects = 0
  #isReauthorised = false

  constructor(job: LaneJob) {
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

function laneError(peer: Pick<Peer, 'side' | 'registry'>, doing: string, failure: LaneFailure): unknown {
  const error = Object.assign(new Error(failure.message), { code: failure.code ?? CODES[failure.kind] })
  return connectionError({ ...peer, lookedIn: () => [] }, doing, error)
}

function tooManyRedirects(doing: string, registry: string): AirliftError {
  return new AirliftError('REGISTRY_UNSUPPORTED', `source: ${doing}: more than ${MAX_REDIRECTS} redirects`, {
    hint: `check the storage settings of ${registry}`,
    details: { side: 'source', registry },
  })
}
