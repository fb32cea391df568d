/** What every part of a transfer is given. */
import type { BlobCarrier, ImageSink } from '../content/ports.ts'
import type { Digest } from '../oci/digest.ts'
import type { Manifest } from '../oci/manifest.ts'
import type { RepositoryName } from '../oci/reference.ts'
import type { TransferCounts } from '../plan/plan-types.ts'
import type { BlobLedger } from './blob-ledger.ts'
import type { EventSink } from './events.ts'

/** Counted while the transfer runs; an {@link TransferCounts} at its end. */
export type RunningCounts = { -readonly [Name in keyof TransferCounts]: number }

export interface TransferContext {
  readonly target: (name: RepositoryName) => ImageSink
  readonly carrier: BlobCarrier
  readonly manifests: ReadonlyMap<Digest, Manifest>
  readonly ledger: BlobLedger
  readonly counts: RunningCounts
  /** Blobs of one image at once. */
  readonly parallelBlobs: number
  readonly onEvent: EventSink
}
