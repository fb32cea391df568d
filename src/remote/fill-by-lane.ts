/** Fills a blob's slot from a registry, over the lane. */
import { digestMismatch, sizeMismatch } from '../content/verify-stream.ts'
import type { FillJob } from './fill-job.ts'
import { fetchBlob } from './lane/fetch-blob.ts'
import type { Lanes } from './lane/copy-blob.ts'
import { SourceTalk } from './source-talk.ts'
import type { SourceJob } from './source-talk.ts'

export interface LaneFillJob extends FillJob, Pick<SourceJob, 'source' | 'sourceRegistry'> {
  readonly lanes: Pick<Lanes, 'get' | 'slabs'>
  readonly stallTimeoutMs: number
}

/**
 * - `again`: the source cannot go on from the middle; from scratch, at once.
 * - `unsupported`: only the general client can do this.
 */
export type LaneFillResult = 'filled' | 'again' | 'unsupported'

/** @throws {AirliftError} what ended the attempt; the budget decides on another. */
export async function fillByLane(job: LaneFillJob): Promise<LaneFillResult> {
  const { content, source, file, signal } = job
  const start = await file.hashed({ signal })
  const get = await source.blobGet(content, { signal })
  if (get.proxy !== undefined) return 'unsupported'
  const talk = new SourceTalk(job)
  const outcome = await fetchBlob({ content, get, start }, (bytes) => file.write(bytes), {
    signal,
    lanes: job.lanes,
    stallTimeoutMs: job.stallTimeoutMs,
    nextSource: (problem, options) => talk.next(problem, options),
    onProgress: job.onProgress,
  })
  switch (outcome.kind) {
    case 'fetched': {
      return 'filled'
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
  }
}
