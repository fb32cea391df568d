/**
 * Brings one blob to one repository of the target: by finding it there, by
 * mounting it from another repository, or by fetching it.
 */
import { isAirliftError, messageOf } from '../base/errors.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { PlannedImage } from '../plan/plan-types.ts'
import type { TransferContext } from './transfer-context.ts'

export interface CopyBlobContext extends TransferContext {
  /** Ask the target even where the plan knows. */
  readonly askAgain: boolean
}

export async function copyBlob(
  image: PlannedImage,
  content: Descriptor,
  context: CopyBlobContext,
  signal: AbortSignal,
): Promise<void> {
  const { ledger } = context
  const { repository } = image.target
  if (context.askAgain) {
    if (await context.target(image.target).has(content, { signal })) return skipped(image, content, context, 'exists')
    return await fetchBlob(image, content, context, signal)
  }
  let isRefused = false
  for (;;) {
    if (ledger.isHeld(content.digest, repository)) return skipped(image, content, context, 'exists')
    const holder = ledger.holder(content.digest)
    if (holder !== undefined && !isRefused) {
      if (await mountBlob(image, content, { context, from: holder, signal }))
        return skipped(image, content, context, 'mounted')
      isRefused = true
    } else if (ledger.isOwner(content.digest, repository)) {
      return await ledger.fetch(content.digest, repository, () => fetchBlob(image, content, context, signal))
    } else {
      await ledger.changed(content.digest, { signal })
    }
  }
}

/** A mount that the target refuses, or fails at, costs a fetch; it never costs the image. */
async function mountBlob(
  image: PlannedImage,
  content: Descriptor,
  { context, from, signal }: { readonly context: CopyBlobContext; readonly from: string; readonly signal: AbortSignal },
): Promise<boolean> {
  const { registry, repository } = image.target
  const mounted = await context
    .target(image.target)
    .mount(content, { signal, from: { registry, repository: from } })
    .catch((error: unknown) => {
      if (signal.aborted || !isAirliftError(error)) throw error
      return false
    })
  if (mounted) {
    context.ledger.hold(content.digest, repository)
    return true
  }
  context.counts.mountsRefused += 1
  context.onEvent({ type: 'mount-refused', image: image.id, digest: content.digest })
  return false
}

async function fetchBlob(
  image: PlannedImage,
  content: Descriptor,
  context: CopyBlobContext,
  signal: AbortSignal,
): Promise<void> {
  const { digest, size } = content
  const [from] = image.sources
  if (from === undefined) throw new Error(`${image.id} has no source`)
  context.onEvent({ type: 'blob-started', image: image.id, digest, size })
  await context.carrier.carry(
    { content, from, to: { kind: 'repository', registry: image.target.registry, repository: image.target.repository } },
    {
      signal,
      onProgress: (received) => context.onEvent({ type: 'blob-progress', image: image.id, digest, received, size }),
      onRetry: ({ attempt, waitMs, error }) => {
        context.counts.retries += 1
        context.onEvent({ type: 'retry', image: image.id, digest, attempt, waitMs, message: messageOf(error) })
      },
    },
  )
  context.counts.blobsFetched += 1
  context.counts.bytesFetched += size
  context.onEvent({ type: 'blob-finished', image: image.id, digest, size })
}

function skipped(
  image: PlannedImage,
  { digest, size }: Descriptor,
  context: CopyBlobContext,
  reason: 'exists' | 'mounted',
): void {
  if (reason === 'mounted') context.counts.blobsMounted += 1
  else context.counts.blobsPresent += 1
  context.onEvent({ type: 'blob-skipped', image: image.id, digest, size, reason })
}
