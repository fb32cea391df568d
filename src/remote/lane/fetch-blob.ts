/**
 * Moves one blob from a GET to a place that takes bytes at once, such as a file,
 * verified on its way, without a stream.
 */
import type { Expected } from '../../content/verify-stream.ts'
import type { HashedPrefix } from '../../content/slot-file.ts'
import type { HttpOrder } from '../http-order.ts'
import { BlobSource } from './blob-source.ts'
import type { ReadOptions, SourceContext, SourceOutcome } from './blob-source.ts'
import type { Lanes } from './copy-blob.ts'
import { SlabRelay } from './slab-relay.ts'

export interface FetchOrder {
  readonly content: Expected
  readonly get: HttpOrder
  /** What is there already: the source is asked for the rest. */
  readonly start: HashedPrefix
}

export type FetchOutcome = { readonly kind: 'fetched' } | SourceOutcome

export interface FetchOptions extends ReadOptions {
  readonly lanes: Pick<Lanes, 'get' | 'slabs'>
  readonly onProgress: (received: number) => void
}

/**
 * Its last piece comes only once size and digest are known to be right.
 *
 * @throws `signal.reason`, what `nextSource` throws, and what `write` throws.
 */
export async function fetchBlob(
  { content, get, start }: FetchOrder,
  write: (bytes: Uint8Array) => void,
  options: FetchOptions,
): Promise<FetchOutcome> {
  const stop = new AbortController()
  const context: SourceContext = {
    ...options,
    content,
    lane: options.lanes.get,
    signal: AbortSignal.any([options.signal, stop.signal]),
  }
  try {
    const source = await BlobSource.open(get, start.received, context)
    if (source.kind !== 'open') return source
    const target = {
      write: (bytes: Uint8Array, done: () => void): void => {
        // Called by a socket: what is thrown here would end the process.
        try {
          if (!stop.signal.aborted) write(bytes)
        } catch (error) {
          stop.abort(error)
        }
        done()
      },
      end: () => undefined,
    }
    const { slabs } = options.lanes
    const relay = new SlabRelay(content, target, { ...options, slabs, start, onResume: () => source.resume() })
    const failed = await source.deliver(relay)
    context.signal.throwIfAborted()
    return failed ?? { kind: 'fetched' }
  } finally {
    // Whatever is still open ends here.
    stop.abort()
  }
}
