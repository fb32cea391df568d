/** One blob on its way, as every way of carrying it sees it. */
import type { CallOptions, ContentSink, ContentSource } from '../content/ports.ts'
import type { BlobReader } from '../content/blob-store.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import type { BlobOrders } from './blob-orders.ts'
import { RetryBudget } from './retry-budget.ts'

/** A repository whose blobs other code may ask for. */
export type OrderingSource = ContentSource & Pick<BlobOrders, 'blobGet' | 'resolveRedirect' | 'reauthorise' | 'refusal'>

/** Where blobs can be read at positions: a file, a range of one. */
export type PositionedSource = ContentSource & { reader(digest: Digest): BlobReader | undefined }

export type OrderingTarget = ContentSink & Pick<BlobOrders, 'beginUpload' | 'abandonUpload' | 'reauthorise' | 'refusal'>

export interface CarryJob extends CallOptions {
  readonly content: Descriptor
  readonly target: OrderingTarget
  readonly targetRegistry: string
  readonly budget: RetryBudget
  readonly onProgress: (received: number) => void
}

/** Time between two reports of progress, in milliseconds. */
const PROGRESS_MS = 100

/** Reports the last byte always, and others now and then. */
export function throttled({ size }: Descriptor, onProgress: (received: number) => void): (received: number) => void {
  let nextAt = 0
  return (received) => {
    const now = performance.now()
    if (now < nextAt && received < size) return
    nextAt = now + PROGRESS_MS
    onProgress(received)
  }
}

export function givesOrders(source: ContentSource | OrderingSource): source is OrderingSource {
  return 'blobGet' in source
}

export function givesReaders(source: ContentSource): source is PositionedSource {
  return 'reader' in source
}

/** For a source that is passed over where it fails. */
export function noRetries({ signal }: CallOptions): RetryBudget {
  return new RetryBudget({ signal, policy: { times: 0, delayMs: 0 }, onRetry: () => undefined })
}
