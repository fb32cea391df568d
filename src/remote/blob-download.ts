/**
 * A blob as a stream that goes on after a cut: what has been read is not asked
 * for again, as far as the registry answers ranges.
 *
 * The bytes are unverified; what is verified is that there are as many of them
 * as the descriptor says, counted from the offset.
 */
import { Readable } from 'node:stream'
import { AirliftError } from '../base/errors.ts'
import type { CallOptions } from '../content/ports.ts'
import { sizeMismatch } from '../content/verify-stream.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { explained, inContext, retryDelay } from './request-errors.ts'
import { contentLength, discard, header } from './response-body.ts'
import type { RepositorySite } from './repository-site.ts'
import { sitePath } from './repository-site.ts'
import type { Exchange } from './transport.ts'

export interface Download {
  readonly site: RepositorySite
  readonly content: Descriptor
}

/** A request that got so far was not in vain: the count of failures starts over. */
const PROGRESS_BYTES = 1024 * 1024
const HIGH_WATER_MARK = 256 * 1024

/** The stream from `offset`, its first answer received; `undefined` where the repository does not have the blob. */
export async function openBlob(
  download: Download,
  options: CallOptions & { readonly offset?: number },
): Promise<Readable | undefined> {
  const { offset = 0 } = options
  if (offset >= download.content.size) return Readable.from([])
  const stop = new AbortController()
  const signal = AbortSignal.any([options.signal, stop.signal])
  const first = await requestBlob(download, offset, { signal })
  if (first === undefined) return undefined
  return new DownloadStream(readBlob(download, offset, first, { signal }), stop)
}

/** Reads from the generator, and stops it at once when destroyed, also while it waits for the network. */
class DownloadStream extends Readable {
  readonly #chunks: AsyncGenerator<Buffer, void>
  readonly #stop: AbortController

  constructor(chunks: AsyncGenerator<Buffer, void>, stop: AbortController) {
    super({ highWaterMark: HIGH_WATER_MARK })
    this.#chunks = chunks
    this.#stop = stop
  }

  override _read(): void {
    this.#chunks.next().then(
      ({ done, value }) => this.push(done === true ? null : value),
      (error: unknown) => this.destroy(error as Error),
    )
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#stop.abort(error ?? new DOMException('the stream was destroyed', 'AbortError'))
    this.#close()
    done(error)
  }

  #close(): void {
    void this.#chunks.return().catch(() => {})
  }
}

async function* readBlob(
  download: Download,
  offset: number,
  first: Exchange,
  options: CallOptions,
): AsyncGenerator<Buffer, void> {
  const { site, content } = download
  let position = offset
  let failures = 0
  let exchange = first
  for (;;) {
    const before = position
    try {
      for await (const chunk of bodyFrom(exchange, position)) {
        position += chunk.length
        if (position > content.size) throw sizeMismatch(content, position)
        yield chunk
      }
      if (position === content.size) return
      throw cutShort(site, content, position)
    } catch (error) {
      options.signal.throwIfAborted()
      const doing = readingBlob(download)
      const failure = inSite(explained(site.session.peer, doing, error), site, doing)
      failures = position - before >= PROGRESS_BYTES ? 0 : failures + 1
      if (failures > site.session.retryTimes || retryDelay(failure, 'always') === undefined) throw failure
      site.session.noteRetry({ attempt: failures, waitMs: 0, error: failure })
    }
    const next = await requestBlob(download, position, options)
    if (next === undefined) throw cutShort(site, content, position)
    exchange = next
  }
}

/** Asks for the rest; the answer fits the descriptor as far as its headers go. Its retries are the session's. */
function requestBlob({ site, content }: Download, offset: number, options: CallOptions): Promise<Exchange | undefined> {
  const { session } = site
  const request = {
    ...site.reading,
    method: 'GET',
    path: sitePath(site, `blobs/${content.digest}`),
    headers: { 'accept-encoding': 'identity', ...(offset > 0 && { range: `bytes=${offset}-` }) },
    doing: readingBlob({ site, content }),
  } as const
  const handle = async (exchange: Exchange): Promise<Exchange | undefined> => {
    if (exchange.status === 404) return discard(exchange).then(() => undefined)
    if (exchange.status !== 200 && exchange.status !== 206) return session.refuse(request, exchange)
    const wrong = misfit(exchange, content, offset)
    if (wrong === undefined) return exchange
    await discard(exchange)
    throw inContext(wrong, session.peer.side, request.doing)
  }
  return session.call(request, handle, options)
}

function misfit({ status, headers }: Exchange, content: Descriptor, offset: number): AirliftError | undefined {
  const encoding = header(headers, 'content-encoding')
  if (encoding !== undefined && encoding !== 'identity') {
    return new AirliftError('REGISTRY_UNSUPPORTED', `the blob came with content-encoding ${JSON.stringify(encoding)}`, {
      hint: 'turn off compression of blobs in the proxy before the registry',
    })
  }
  const length = contentLength(headers)
  const start = status === 206 ? offset : 0
  if (length !== undefined && start + length !== content.size) return sizeMismatch(content, start + length)
  if (status === 206 && header(headers, 'content-range') !== `bytes ${offset}-${content.size - 1}/${content.size}`) {
    return new AirliftError(
      'REGISTRY_UNSUPPORTED',
      `asked for bytes from ${offset} of ${content.size}, got another range`,
    )
  }
  return undefined
}

/** A registry that does not do ranges sends the blob from its start: what is known is passed over. */
async function* bodyFrom({ status, body }: Exchange, position: number): AsyncGenerator<Buffer, void> {
  let skip = status === 206 ? 0 : position
  for await (const chunk of body) {
    const bytes = chunk as Buffer
    const rest = bytes.subarray(Math.min(skip, bytes.length))
    skip -= bytes.length - rest.length
    if (rest.length > 0) yield rest
  }
}

function cutShort({ session }: RepositorySite, content: Descriptor, position: number): AirliftError {
  return new AirliftError('REGISTRY_UNREACHABLE', `the blob ended after ${position} of ${content.size} bytes`, {
    details: { side: session.peer.side, registry: session.peer.registry },
  })
}

function inSite(error: unknown, { session }: RepositorySite, doing: string): unknown {
  const isTold = error instanceof Error && error.message.includes(doing)
  return isTold ? error : inContext(error, session.peer.side, doing)
}

function readingBlob({ site, content }: Download): string {
  return `reading blob ${content.digest} in ${site.label}`
}
