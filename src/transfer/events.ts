/**
 * What happens during a run, as facts: one schema for the terminal, for NDJSON
 * on stdout and for tests. `docs/commands.md` documents each.
 */
import type { ImageFailure, ImageId, PlanTotals, TransferCounts } from '../plan/plan-types.ts'

export type TransferEvent =
  | { readonly type: 'phase'; readonly phase: 'check' | 'collect' | 'plan' | 'transfer' | 'close' | 'resources' }
  | { readonly type: 'warning'; readonly message: string; readonly image?: string }
  | { readonly type: 'image-collected'; readonly origin: string; readonly done: number; readonly total: number }
  | { readonly type: 'planned'; readonly totals: PlanTotals; readonly blocked: number; readonly unresolved: number }
  | {
      readonly type: 'archive-planned'
      readonly directory: string
      readonly volumes: readonly { readonly name: string; readonly size: number }[]
      /** Of all volumes. */
      readonly bytes: number
      /** On the file system of `directory`. */
      readonly freeBytes: number
    }
  | { readonly type: 'image-started'; readonly image: ImageId; readonly origin: string; readonly bytes: number }
  | { readonly type: 'blob-started'; readonly image: ImageId; readonly digest: string; readonly size: number }
  | {
      readonly type: 'blob-progress'
      readonly image: ImageId
      readonly digest: string
      readonly received: number
      readonly size: number
    }
  | { readonly type: 'blob-finished'; readonly image: ImageId; readonly digest: string; readonly size: number }
  | {
      readonly type: 'blob-skipped'
      readonly image: ImageId
      readonly digest: string
      readonly size: number
      readonly reason: 'exists' | 'mounted'
    }
  | { readonly type: 'mount-refused'; readonly image: ImageId; readonly digest: string }
  | { readonly type: 'manifest-finished'; readonly image: ImageId; readonly digest: string; readonly tag?: string }
  | {
      readonly type: 'retry'
      readonly image: ImageId
      readonly digest?: string
      readonly attempt: number
      readonly waitMs: number
      readonly message: string
    }
  | { readonly type: 'image-finished'; readonly image: ImageId; readonly state: 'copied' | 'present' }
  | { readonly type: 'image-failed'; readonly failure: ImageFailure }
  | { readonly type: 'file-written'; readonly path: string; readonly what: string }
  | {
      readonly type: 'run-finished'
      readonly counts: TransferCounts
      readonly images: number
      readonly failed: number
      readonly durationMs: number
      readonly exitCode: number
    }

export type EventSink = (event: TransferEvent) => void
