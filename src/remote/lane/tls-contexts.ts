/**
 * Security contexts, made once for each set of certificates.
 *
 * Loading a system's store into a context takes some ten milliseconds, which is
 * more than the rest of a connection.
 */
import { createHash } from 'node:crypto'
import { isIP } from 'node:net'
import { createSecureContext } from 'node:tls'
import type { SecureContext } from 'node:tls'
import type { TlsOrder } from '../http-order.ts'

/** Options that `tls.connect` and `https.Agent` share. */
export interface TlsOptions {
  readonly secureContext: SecureContext
  readonly rejectUnauthorized: boolean
  readonly ALPNProtocols: string[]
}

export class TlsContexts {
  readonly #stores = new WeakMap<TlsOrder['ca'], string>()
  readonly #options = new Map<string, TlsOptions>()

  /** Equal for orders that may share a connection. */
  key({ ca, cert, key, verify }: TlsOrder): string {
    const store = this.#stores.get(ca) ?? fingerprint(ca)
    this.#stores.set(ca, store)
    const pair = cert === undefined ? '' : fingerprint([cert, key ?? ''])
    return `${verify} ${store} ${pair}`
  }

  options(tls: TlsOrder): TlsOptions {
    const key = this.key(tls)
    const known = this.#options.get(key)
    if (known !== undefined) return known
    const made: TlsOptions = {
      secureContext: createSecureContext({
        ca: [...tls.ca],
        ...(tls.cert !== undefined && { cert: tls.cert }),
        ...(tls.key !== undefined && { key: tls.key }),
      }),
      rejectUnauthorized: tls.verify,
      ALPNProtocols: ['http/1.1'],
    }
    this.#options.set(key, made)
    return made
  }
}

function fingerprint(texts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(texts)).digest('hex')
}

/** Host of a URL as sockets want it: without the brackets of an IPv6 address. */
export function socketHost(url: URL): string {
  return url.hostname.replace(/^\[(?<address>.*)\]$/, '$<address>')
}

/** The name to ask a certificate for; none for addresses, which SNI does not allow. */
export function serverName(url: URL): string {
  const host = socketHost(url)
  return isIP(host) === 0 ? host : ''
}
