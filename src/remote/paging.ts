/**
 * Lists that come in pages: the next one is where a `Link` says, on the same
 * path of the same registry, and there are only so many.
 *
 * Spec: https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-tags
 */
import { AirliftError } from '../base/errors.ts'
import type { CallOptions } from '../content/ports.ts'
import { nextPage } from './redirect.ts'
import type { RegistryRequest } from './registry-session.ts'
import { header, readBody } from './response-body.ts'
import type { RepositorySite } from './repository-site.ts'
import type { Exchange } from './transport.ts'

const MAX_PAGES = 10_000
const MAX_PAGE_BYTES = 16 * 1024 * 1024

export interface PageList<T> {
  readonly request: RegistryRequest
  /** Judges the status; `undefined` where there is no such list. */
  readonly accept: (exchange: Exchange) => Promise<'read' | 'absent'>
  /** @throws plain errors about JSON that is not such a page. */
  readonly parse: (json: unknown) => T
}

/** Each page in turn; none where the list is absent. */
export async function* pages<T>(
  site: RepositorySite,
  list: PageList<T>,
  options: CallOptions,
): AsyncGenerator<T, void> {
  let path: string | URL = list.request.path
  for (let count = 0; count < MAX_PAGES; count += 1) {
    const page: Page<T> | undefined = await readPage(site, { ...list, request: { ...list.request, path } }, options)
    if (page === undefined) return
    yield page.content
    if (page.next === undefined) return
    path = page.next
  }
  throw unusable(site, list.request.doing, `the list has more than ${MAX_PAGES} pages`)
}

interface Page<T> {
  readonly content: T
  readonly next: URL | undefined
}

function readPage<T>(site: RepositorySite, list: PageList<T>, options: CallOptions): Promise<Page<T> | undefined> {
  const { doing } = list.request
  const handle = async (exchange: Exchange): Promise<Page<T> | undefined> => {
    if ((await list.accept(exchange)) === 'absent') return undefined
    const body = await readBody(exchange, {
      maxBytes: MAX_PAGE_BYTES,
      timeoutMs: site.session.bodyTimeoutMs,
      tooLarge: (bytes) => unusable(site, doing, `a page of ${bytes} bytes exceeds ${MAX_PAGE_BYTES}`),
    })
    const link = parseNextLink(header(exchange.headers, 'link'))
    const next = link === undefined ? undefined : nextPage(exchange.url, link)
    if (next?.href === exchange.url.href) throw unusable(site, doing, 'a page names itself as the next')
    try {
      return { content: list.parse(JSON.parse(body.toString('utf8'))), next }
    } catch (error) {
      throw unusable(site, doing, 'the answer is no such list', error)
    }
  }
  return site.session.call(list.request, handle, options)
}

/** Target of `rel="next"`; `undefined` on the last page. */
export function parseNextLink(link: string | undefined): string | undefined {
  if (link === undefined || link.length > 16_384) return undefined
  for (const match of link.matchAll(/<(?<target>[^<>]*)>(?<parameters>[^<>]*)/g)) {
    const { target, parameters = '' } = match.groups ?? {}
    if (/;\s*rel\s*=\s*(?:"next"|next(?:[\s;,]|$))/i.test(parameters)) return target
  }
  return undefined
}

function unusable(site: RepositorySite, doing: string, why: string, cause?: unknown): AirliftError {
  const { side, registry } = site.session.peer
  return new AirliftError('REGISTRY_UNSUPPORTED', `${side}: ${doing}: ${why}`, {
    ...(cause !== undefined && { cause }),
    details: { side, registry },
  })
}
