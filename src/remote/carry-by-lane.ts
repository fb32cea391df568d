/** Carries a blob to a registry over the lane: from another registry, or from where it can be read at positions. */
import type { BlobReader } from '../content/blob-store.ts'
import { digestMismatch, sizeMismatch } from '../content/verify-stream.ts'
import type { CarryJob, OrderingSource } from './carry-job.ts'
import type { HttpOrder, UploadTicket } from './http-order.ts'
import { copyBlob } from './lane/copy-blob.ts'
import type { CopyOutcome, Lanes } from './lane/copy-blob.ts'
import type { LaneResponse } from './lane/lane-types.ts'
import { sendBlob } from './lane/send-blob.ts'
import { laneError, SourceTalk } from './source-talk.ts'

interface PutJob extends CarryJob {
  readonly lanes: Lanes
  readonly stallTimeoutMs: number
  readonly allowances: LaneAllowances
}

export interface LaneJob extends PutJob {
  readonly source: OrderingSource
  readonly sourceRegistry: string
}

export interface ReaderJob extends PutJob {
  readonly reader: BlobReader
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
  const { content, source, signal } = job
  const get = await source.blobGet(content, { signal })
  if (get.proxy !== undefined) return 'unsupported'
  return await upload(job, (ticket) => copy(job, get, ticket))
}

/** @throws {AirliftError} what ended the attempt; the budget decides on another. */
export async function carryFromReader(job: ReaderJob): Promise<LaneResult> {
  const { content, reader, lanes } = job
  if (reader.size !== content.size) throw sizeMismatch(content, reader.size)
  return await upload(job, async (ticket) => {
    const outcome = await sendBlob({ content, reader, put: ticket.order }, lanes, job)
    return conclude(outcome, job, ticket)
  })
}

async function upload(
  { content, target, signal }: CarryJob,
  send: (ticket: UploadTicket) => Promise<LaneResult>,
): Promise<LaneResult> {
  const ticket = await target.beginUpload(content, { signal })
  let result: LaneResult = 'unsupported'
  try {
    if (ticket.minChunk === undefined && ticket.order.proxy === undefined) result = await send(ticket)
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

async function conclude(outcome: CopyOutcome, job: PutJob, ticket: UploadTicket): Promise<LaneResult> {
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

async function targetAnswered(response: LaneResponse, job: PutJob, { order }: UploadTicket): Promise<LaneResult> {
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
