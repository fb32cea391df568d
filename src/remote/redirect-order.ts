/** Follows a redirect for an order that someone else carries out. */
import type { CallOptions } from '../content/ports.ts'
import type { HttpOrder } from './http-order.ts'
import { redirectTarget } from './redirect.ts'
import type { Transport } from './transport.ts'

/** Another host gets no credentials, and the trust that is configured for its own name. */
export async function redirectOrder(
  transport: Transport,
  order: HttpOrder,
  location: string,
  options: CallOptions,
): Promise<HttpOrder> {
  const from = new URL(order.url)
  // An order without TLS came from a registry that is insecure.
  const verify = order.tls?.verify ?? false
  const url = redirectTarget(from, location, { allowHttp: !verify })
  if (url.origin === from.origin) return { ...order, url: url.href }
  const { authorization: _, ...headers } = order.headers
  return { url: url.href, headers, ...(await transport.route(url, { registry: url.host, verify }, options)) }
}
