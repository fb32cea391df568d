/**
 * One HTTP exchange as plain data, so that another thread can make it.
 *
 * Headers may hold a token: an order is never logged, saved or put in a plan.
 */
export interface TlsOrder {
  /** PEM certificates; replaces the built-in store. */
  readonly ca: readonly string[]
  readonly cert?: string
  readonly key?: string
  /** False only where the user said so for this side, or registries.conf does for this endpoint. */
  readonly verify: boolean
}

export interface HttpOrder {
  /** `http://` or `https://`, with path and query. */
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  /** Present for `https://`. */
  readonly tls?: TlsOrder
  /** URL of the proxy to go through, with user information where it needs some. */
  readonly proxy?: string
}

/** An open upload session: what the blob's bytes are sent to. */
export interface UploadTicket {
  readonly kind: 'upload'
  /** The `PUT` that takes the whole blob and ends the session; `content-length` is the sender's to add. */
  readonly order: HttpOrder
  /** Where the session lives: `PATCH` for chunks, `DELETE` to give it up. */
  readonly location: string
  /** Present where the registry wants chunks, or took no whole blob before: bytes in each but the last, at least. */
  readonly minChunk?: number
}
