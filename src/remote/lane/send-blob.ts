/**
 * Moves one blob from a file to a PUT, verified on its way, without a stream.
 *
 * Read at positions into the memory that the socket writes from: nothing is copied in between.
 */
import type { BlobReader } from '../../content/blob-store.ts'
import type { Expected } from '../../content/verify-stream.ts'
import type { HttpOrder } from '../http-order.ts'
import { targetOutcome } from './copy-blob.ts'
import type { CopyOptions, CopyOutcome, Lanes } from './copy-blob.ts'
import { SlabRelay } from './slab-relay.ts'

export interface SendOrder {
  readonly content: Expected
  /** Its size is that of the content. */
  readonly reader: BlobReader
  readonly put: HttpOrder
}

/** @throws `signal.reason` and what the reader throws; all else is an outcome. */
export async function sendBlob(
  { content, reader, put: order }: SendOrder,
  lanes: Pick<Lanes, 'put' | 'slabs'>,
  options: Omit<CopyOptions, 'nextSource'>,
): Promise<CopyOutcome> {
  const stop = new AbortController()
  const signal = AbortSignal.any([options.signal, stop.signal])
  let goOn = Promise.withResolvers<void>()
  try {
    const put = lanes.put.start(order, { ...options, signal, size: content.size })
    const relay = new SlabRelay(content, put, { ...options, slabs: lanes.slabs, onResume: () => goOn.resolve() })
    const read = async (): Promise<CopyOutcome | undefined> => {
      while (relay.end === undefined) {
        signal.throwIfAborted()
        const room = relay.room().subarray(0, content.size - relay.received)
        const count = await reader.read(room, relay.received)
        if (count === 0) return { kind: 'wrong-size', announced: relay.received }
        goOn = Promise.withResolvers()
        if (!relay.filled(count)) await goOn.promise
      }
      return relay.end.kind === 'wrong-digest' ? relay.end : undefined
    }
    const ended = await Promise.race([
      read().then((failed) => ({ failed, answer: undefined })),
      put.outcome.then((answer) => ({ failed: undefined, answer })),
    ])
    options.signal.throwIfAborted()
    return ended.failed ?? targetOutcome(ended.answer ?? (await put.outcome))
  } finally {
    // Whatever is still open ends here.
    stop.abort()
    goOn.resolve()
  }
}
