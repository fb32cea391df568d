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
}
