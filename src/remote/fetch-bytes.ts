/** Small files from web servers that are no registries, such as signature stores. Nothing secret is sent. */
import { AirliftError } from '../base/errors.ts'
import { retry } from '../base/retry.ts'
import type { CallOptions } from '../content/ports.ts'
import type { RegistryClientOptions } from './endpoint.ts'
import { MAX_REDIRECTS, redirectTarget } from './redirect.ts'
import { isRedirect } from './registry-session.ts'
import { explained, responseError, retryDelay } from './request-errors.ts'
import { discard, header, readBody, readRefusal } from './response-body.ts'
import type { Exchange, Transport } from './transport.ts'

export interface FetchOptions extends CallOptions {
  readonly maxBytes: number
}

/** `undefined` where the server has no such file. */
export function fetchBytes(
  transport: Transport,
  client: RegistryClientOptions,
  url: URL,
  options: FetchOptions,
): Promise<Uint8Array | undefined> {
  const peer = { side: client.side, registry: url.host, lookedIn: () => [] }
  const doing = `reading ${url.origin}${url.pathname}`
  const attempt = async (): Promise<Uint8Array | undefined> => {
    try {
      const exchange = await follow(transport, url, client.tlsVerify, options)
      if (exchange.status === 404) return await discard(exchange).then(() => undefined)
      if (exchange.status !== 200) throw responseError(peer, doing, await readRefusal(exchange))
      return await readBody(exchange, {
        maxBytes: options.maxBytes,
        timeoutMs: transport.stallTimeoutMs,
        tooLarge: (bytes) =>
          new AirliftError('SIZE_MISMATCH', `${client.side}: ${doing}: ${bytes} bytes exceed ${options.maxBytes}`),
      })
    } catch (error) {
      options.signal.throwIfAborted()
      throw explained(peer, doing, error)
    }
  }
  return retry(attempt, {
    signal: options.signal,
    policy: client.retry,
    retryAfterMs: (error) => retryDelay(error, 'always'),
  })
}

async function follow(transport: Transport, start: URL, verify: boolean, options: CallOptions): Promise<Exchange> {
  let url = start
  for (let hop = 0; ; hop += 1) {
    const trust = { registry: url.host, verify }
    const exchange = await transport.exchange({ method: 'GET', url, headers: {}, trust }, options)
    if (!isRedirect(exchange.status) || hop === MAX_REDIRECTS) return exchange
    await discard(exchange)
    url = redirectTarget(url, header(exchange.headers, 'location'), { allowHttp: !verify })
  }
}
