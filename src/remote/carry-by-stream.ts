/**
 * Carries a blob as a stream, with the general client: from disk, through a
 * proxy, in chunks. Costs several times the CPU of the lane and works everywhere.
 */
import { pipeline, Readable } from 'node:stream'
import type { ContentSource } from '../content/ports.ts'
import { VerifyStream } from '../content/verify-stream.ts'
import type { CarryJob } from './carry-job.ts'

const HIGH_WATER_MARK = 256 * 1024

export async function carryByStream(source: ContentSource, job: CarryJob): Promise<void> {
  const { content, target, signal } = job
  const failures: unknown[] = []
  const remembering = { source, offset: 0, onGivenUp: (failure: unknown) => void failures.push(failure) }
  const bytes = Readable.from(readOn(job, remembering), { objectMode: false, highWaterMark: HIGH_WATER_MARK })
  const verify = new VerifyStream(content)
  // Both ends learn of a failure through their streams; it is told by `put`.
  pipeline(bytes, verify, () => undefined)
  try {
    await target.put(content, verify, { signal })
  } catch (error) {
    verify.destroy()
    // What broke the stream says more than what the sink saw of it.
    const [failure] = failures
    throw failure ?? verify.errored ?? error
  }
}

export interface ReadOnOptions {
  readonly source: ContentSource
  /** First byte wanted. */
  readonly offset: number
  /** Told what the generator throws, for readers that only see their own end. */
  readonly onGivenUp?: (failure: unknown) => void
}

/** The blob's bytes, going on where a cut left off. Too few or too many are the verifier's to find. */
export async function* readOn(
  job: Pick<CarryJob, 'content' | 'signal' | 'budget' | 'onProgress'>,
  { source, offset, onGivenUp }: ReadOnOptions,
): AsyncGenerator<Buffer, void> {
  const { content, signal, budget } = job
  for (let position = offset; ;) {
    try {
      for await (const chunk of await source.open(content, { signal, offset: position })) {
        position += (chunk as Buffer).length
        job.onProgress(Math.min(position, content.size))
        yield chunk as Buffer
      }
      return
    } catch (error) {
      await budget.spend(error, position).catch((last: unknown) => {
        onGivenUp?.(last)
        throw last
      })
    }
  }
}
