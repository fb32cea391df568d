/**
 * Streams a blob into an upload session, in one piece or in chunks, and checks
 * it on the way: what does not fit its descriptor is not left at the registry.
 */
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { isAirliftError } from '../base/errors.ts'
import type { CallOptions } from '../content/ports.ts'
import { VerifyStream } from '../content/verify-stream.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { uploadLocation } from './redirect.ts'
import { discard, header } from './response-body.ts'
import type { RepositorySite } from './repository-site.ts'
import type { Exchange } from './transport.ts'
import {
  abandonUpload,
  beginUpload,
  checkReceived,
  finalUrl,
  finishUpload,
  noteTooLarge,
  writingBlob,
} from './upload.ts'

const OCTETS = { 'content-type': 'application/octet-stream' } as const

/** Owns `bytes`, and destroys them on every failure. */
export async function uploadBlob(
  site: RepositorySite,
  content: Descriptor,
  bytes: Readable,
  options: CallOptions,
): Promise<void> {
  let location: URL | undefined
  try {
    const upload = await beginUpload(site, content, options)
    location = upload.location
    const verified = new VerifyStream(content)
    const piped = pipeline(bytes, verified, options)
    const send =
      upload.chunkBytes === undefined
        ? sendWhole(site, content, { location, verified }, options)
        : sendChunks(site, content, { location, verified, chunkBytes: upload.chunkBytes }, options)
    await settle(send, piped, verified)
  } catch (error) {
    bytes.on('error', () => {})
    bytes.destroy()
    if (location !== undefined) await abandonUpload(site, location)
    throw error
  }
}

/** Waits for both, and throws the failure that came first of all, not one that followed from it. */
async function settle(send: Promise<void>, piped: Promise<void>, verified: VerifyStream): Promise<void> {
  const [sent, read] = await Promise.allSettled([
    send.catch((error: unknown) => {
      verified.destroy()
      throw error
    }),
    piped,
  ])
  const isAnswer = sent.status === 'rejected' && isAirliftError(sent.reason) && 'status' in sent.reason.details
  if (isAnswer) throw sent.reason
  if (read.status === 'rejected' && isAirliftError(read.reason)) throw read.reason
  if (sent.status === 'rejected') throw sent.reason
  if (read.status === 'rejected') throw read.reason
}

interface Sending {
  readonly location: URL
  readonly verified: VerifyStream
}

function sendWhole(
  site: RepositorySite,
  content: Descriptor,
  { location, verified }: Sending,
  options: CallOptions,
): Promise<void> {
  const request = {
    ...site.writing,
    method: 'PUT',
    path: finalUrl(location, content),
    headers: { ...OCTETS, 'content-length': String(content.size) },
    body: verified,
    doing: writingBlob(site, content),
  } as const
  return site.session.call(request, (exchange) => finishUpload(site, content, exchange), options)
}

async function sendChunks(
  site: RepositorySite,
  content: Descriptor,
  { location, verified, chunkBytes }: Sending & { readonly chunkBytes: number },
  options: CallOptions,
): Promise<void> {
  const doing = writingBlob(site, content)
  const cutter = new StreamCutter(verified)
  let at = location
  for (let start = 0; start < content.size; start += chunkBytes) {
    const end = Math.min(start + chunkBytes, content.size)
    const headers = { ...OCTETS, 'content-length': String(end - start), 'content-range': `${start}-${end - 1}` }
    const body = Readable.from(cutter.take(end - start), { objectMode: false })
    const request = { ...site.writing, method: 'PATCH', path: at, headers, body, doing } as const
    const handle = async (exchange: Exchange): Promise<URL> => {
      if (exchange.status === 413) noteTooLarge(site.session, end - start)
      if (exchange.status !== 202) return site.session.refuse(request, exchange)
      await discard(exchange)
      checkReceived(site, content, exchange.headers, end)
      return uploadLocation(exchange.url, header(exchange.headers, 'location'))
    }
    at = await site.session.call(request, handle, options)
  }
  await cutter.expectEnd()
  const request = { ...site.writing, method: 'PUT', path: finalUrl(at, content), headers: OCTETS, doing } as const
  await site.session.call(request, (exchange) => finishUpload(site, content, exchange), options)
}

/** Gives a stream in pieces of chosen length, without holding more than one of its chunks. */
class StreamCutter {
  readonly #chunks: AsyncIterator<Buffer>
  #rest: Buffer = Buffer.alloc(0)

  constructor(stream: Readable) {
    this.#chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  }

  async *take(length: number): AsyncGenerator<Buffer, void> {
    let missing = length
    while (missing > 0) {
      if (this.#rest.length === 0) {
        const { done, value } = await this.#chunks.next()
        if (done === true) return
        this.#rest = value
      }
      const piece = this.#rest.subarray(0, missing)
      this.#rest = this.#rest.subarray(piece.length)
      missing -= piece.length
      yield piece
    }
  }

  /** Reads the end of the stream, where it says whether what passed was right. */
  async expectEnd(): Promise<void> {
    await this.#chunks.next()
  }
}
