/** One blob on its way, as every way of carrying it sees it. */
import type { CallOptions, ContentSink, ContentSource } from '../content/ports.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { BlobOrders } from './blob-orders.ts'
import type { RetryBudget } from './retry-budget.ts'

/** A repository whose blobs other code may ask for. */
export type OrderingSource = ContentSource & Pick<BlobOrders, 'blobGet' | 'resolveRedirect' | 'reauthorise' | 'refusal'>

export type OrderingTarget = ContentSink & Pick<BlobOrders, 'beginUpload' | 'abandonUpload' | 'reauthorise' | 'refusal'>

export interface CarryJob extends CallOptions {
  readonly content: Descriptor
  readonly target: OrderingTarget
  readonly targetRegistry: string
  readonly budget: RetryBudget
  readonly onProgress: (received: number) => void
}
