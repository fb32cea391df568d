/** How a run is shown while it goes on. */
import type { EventSink } from '../../transfer/events.ts'

export interface Reporter extends Disposable {
  readonly onEvent: EventSink
  /** Leaves the screen to somebody else until disposed. */
  pause(): Disposable
}

/** The part of a stream that reporters need; `process.stdout` is one. */
export interface Output {
  readonly isTTY?: boolean
  readonly columns?: number
  readonly rows?: number
  write(text: string): unknown
}
