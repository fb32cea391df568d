/**
 * Runs a plan: images in its order, several at once, each on its own.
 *
 * One image's failure does not stop the others, a release image's excepted: then
 * nothing new starts, what runs ends, and the rest is reported as not started.
 */
import { isAirliftError } from '../base/errors.ts'
import { mapLimit } from '../base/map-limit.ts'
import { isReleaseKind } from '../plan/collection.ts'
import type { ImageFailure, Outcome, Plan, PlannedImage } from '../plan/plan-types.ts'
import { BlobLedger } from './blob-ledger.ts'
import { copyImage } from './copy-image.ts'
import { failureOf, unresolvedFailure } from './failure.ts'
import type { RunningCounts, TransferContext } from './transfer-context.ts'

export interface RunPlanOptions extends Pick<
  TransferContext,
  'target' | 'carrier' | 'manifests' | 'parallelBlobs' | 'onEvent'
> {
  readonly signal: AbortSignal
  readonly parallelImages: number
  /** Go on with other images after a release image failed. */
  readonly keepGoing: boolean
}

/** Rejects only when aborted, or by a bug of ours; what peers did is in the outcome. */
export async function runPlan(plan: Plan, options: RunPlanOptions): Promise<Outcome> {
  const counts: RunningCounts = {
    blobsFetched: 0,
    blobsMounted: 0,
    blobsPresent: 0,
    mountsRefused: 0,
    bytesFetched: 0,
    manifestsPushed: 0,
    retries: 0,
  }
  const context: TransferContext = { ...options, ledger: new BlobLedger(plan), counts }
  const failures: ImageFailure[] = plan.unresolved.map(unresolvedFailure)
  const copied = new Set<PlannedImage>()
  const notStarted: PlannedImage[] = []
  for (const failure of failures) options.onEvent({ type: 'image-failed', failure })
  let isStopped = stops(failures, options)

  await mapLimit(
    plan.images,
    options.parallelImages,
    async (image, signal) => {
      if (isStopped) {
        notStarted.push(image)
        return
      }
      const failure = await tryImage(image, context, signal)
      if (failure === undefined) copied.add(image)
      else failures.push(failure)
      isStopped ||= stops(failures, options)
    },
    options,
  )
  return { copied: plan.images.filter((image) => copied.has(image)), failures, notStarted, counts }
}

function stops(failures: readonly ImageFailure[], { keepGoing }: RunPlanOptions): boolean {
  return !keepGoing && failures.some(({ kind }) => isReleaseKind(kind))
}

async function tryImage(
  image: PlannedImage,
  context: TransferContext,
  signal: AbortSignal,
): Promise<ImageFailure | undefined> {
  const { onEvent, ledger } = context
  if (image.state === 'present') {
    onEvent({ type: 'image-finished', image: image.id, state: 'present' })
    return undefined
  }
  onEvent({ type: 'image-started', image: image.id, origin: image.wanted.origin, bytes: image.bytes.total })
  try {
    await copyImage(image, context, signal)
    onEvent({ type: 'image-finished', image: image.id, state: 'copied' })
    return undefined
  } catch (error) {
    if (signal.aborted || !isAirliftError(error)) throw error
    for (const { blobs } of image.manifests)
      for (const { digest } of blobs) ledger.letGo(digest, image.target.repository)
    const failure = failureOf(image, error)
    onEvent({ type: 'image-failed', failure })
    return failure
  }
}
