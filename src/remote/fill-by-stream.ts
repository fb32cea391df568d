/**
 * Fills a blob's slot from a stream: from disk, through a proxy, in chunks. Goes
 * on from what is there, as the lane does, and costs several times its CPU.
 */
import type { ContentSource } from '../content/ports.ts'
import { digestMismatch, sizeMismatch } from '../content/verify-stream.ts'
import { digestAlgorithm } from '../oci/digest.ts'
import { readOn } from './carry-by-stream.ts'
import type { FillJob } from './fill-job.ts'

/** @throws {AirliftError} what ended the attempt; the budget decides on another. */
export async function fillByStream(source: ContentSource, job: FillJob): Promise<void> {
  const { content, file, signal } = job
  const { hash, received } = await file.hashed({ signal })
  let arrived = received
  // The last piece is kept back until the digest is known to be right.
  let last: Buffer | undefined
  for await (const chunk of readOn(job, { source, offset: received })) {
    arrived += chunk.length
    if (arrived > content.size) throw sizeMismatch(content, arrived)
    if (last !== undefined) file.write(last)
    hash.update(chunk)
    last = chunk
  }
  if (arrived !== content.size) throw sizeMismatch(content, arrived)
  const actual = `${digestAlgorithm(content.digest)}:${hash.digest('hex')}`
  if (actual !== content.digest) throw digestMismatch(content, actual)
  if (last !== undefined) file.write(last)
}
