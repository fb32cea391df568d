/**
 * Where a peer's `Location` or `Link` may lead. Pure.
 *
 * Every URL from a peer is resolved against the request and then judged here;
 * what it may not do is refused by name, never repaired into something else.
 */
import { AirliftError } from '../base/errors.ts'

/** Redirects that are followed in one exchange. */
export const MAX_REDIRECTS = 5

const MAX_LENGTH = 16_384

/** The content of a registry may lie on another host, but what was asked for over TLS comes over TLS. */
export function redirectTarget(from: URL, location: string | undefined, options: { readonly allowHttp: boolean }): URL {
  const to = resolve(from, location, 'a redirect')
  const isDowngrade = from.protocol === 'https:' && to.protocol === 'http:'
  if (isDowngrade && !options.allowHttp) throw refused(from, 'a redirect', 'leads from https to http')
  return to
}

/**
 * An upload session stays on its registry. A registry behind a proxy that ends TLS
 * may name itself with `http:`; the answer is the same host on the request's origin.
 */
export function uploadLocation(from: URL, location: string | undefined): URL {
  const to = resolve(from, location, 'an upload location')
  if (to.origin === from.origin) return to
  const isSameHost = to.hostname === from.hostname && (to.port === from.port || to.port === '')
  if (!isSameHost) throw refused(from, 'an upload location', 'leads to another host')
  return new URL(`${to.pathname}${to.search}`, from.origin)
}

/** The next page of the same list. */
export function nextPage(from: URL, target: string): URL {
  const to = resolve(from, target, 'a next page')
  if (to.origin !== from.origin || to.pathname !== from.pathname) {
    throw refused(from, 'a next page', 'leads to another list')
  }
  return to
}

function resolve(from: URL, text: string | undefined, what: string): URL {
  const to =
    text !== undefined && text.length <= MAX_LENGTH && URL.canParse(text, from.href) ? new URL(text, from) : undefined
  if (to === undefined) throw refused(from, what, text === undefined ? 'is missing' : 'is not a URL')
  if (to.protocol !== 'https:' && to.protocol !== 'http:') throw refused(from, what, 'is neither http nor https')
  to.username = ''
  to.password = ''
  to.hash = ''
  return to
}

function refused(from: URL, what: string, why: string): AirliftError {
  return new AirliftError('REGISTRY_UNSUPPORTED', `${from.host} sent ${what} that ${why}`, {
    hint: 'check that the registry, and any proxy before it, knows its own public address',
    details: { registry: from.host },
  })
}
