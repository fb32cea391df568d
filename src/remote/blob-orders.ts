/**
 * What a carrier of blobs needs of a remote repository: exchanges as plain data,
 * authorised here and made elsewhere, and what to do with the answers.
 *
 * The carrier follows no redirect, retries no 401 and reads no error by itself:
 * it asks, so that credentials and limits stay in one place.
 */
import type { CallOptions } from '../content/ports.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { AirliftError } from '../base/errors.ts'
import type { HttpOrder, UploadTicket } from './http-order.ts'

/** An answer that was not a success, as far as the carrier has read it. */
export interface RefusedAnswer {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  /** Start of the body, a few KiB at most. */
  readonly body: string
}

export interface BlobOrders {
  /** An authorised `GET` of the whole blob, at the physical place that served its manifest; `range` is the carrier's to add. */
  blobGet(content: Descriptor, options: CallOptions): Promise<HttpOrder>
  /**
   * The order that a 3xx answer to `order` leads to. Another host gets no `authorization` and no client certificate.
   *
   * @throws {AirliftError} `REGISTRY_UNSUPPORTED` for another scheme than HTTP, or a way from HTTPS to HTTP.
   */
  resolveRedirect(order: HttpOrder, location: string, options: CallOptions): Promise<HttpOrder>
  /** Opens an upload session. */
  beginUpload(content: Descriptor, options: CallOptions): Promise<UploadTicket>
  /** The session after a `PATCH` was answered, whose `Location` may have moved within the registry. */
  continueUpload(ticket: UploadTicket, content: Descriptor, location: string | undefined): UploadTicket
  /** Gives a session up, as far as the registry lets us; never throws. */
  abandonUpload(ticket: UploadTicket): Promise<void>
  /**
   * The same order with a fresh authorization, after a 401; `undefined` where asking again cannot help.
   * Call it once for each exchange.
   */
  reauthorise(order: HttpOrder, answer: RefusedAnswer, options: CallOptions): Promise<HttpOrder | undefined>
  /** The error that an answer means; `doing` is such as `reading blob sha256:…`. A 413 makes later uploads chunked. */
  refusal(order: HttpOrder, doing: string, answer: RefusedAnswer): AirliftError
}
