/**
 * Listing tags, in pages.
 *
 * Spec: https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-tags
 */
import { sendBody } from './exchange.ts'
import type { Exchange } from './exchange.ts'
import { WireError } from './wire-error.ts'

export async function listTags(exchange: Exchange, { name }: { readonly name: string }): Promise<void> {
  const repository = exchange.store.repository(name)
  if (!(await repository.exists(exchange))) throw new WireError('NAME_UNKNOWN', 'repository unknown to the registry')
  const wanted = pageSize(exchange)
  const after = exchange.query.get('last')
  const tags: string[] = []
  let hasMore = false
  for await (const tag of repository.tags({ signal: exchange.signal, ...(after !== null && { after }) })) {
    hasMore = tags.length === wanted
    if (hasMore) break
    tags.push(tag)
  }
  const last = tags.at(-1)
  sendBody(exchange, 200, {
    body: JSON.stringify({ name, tags }),
    headers: {
      'content-type': 'application/json',
      ...(hasMore && last !== undefined && { link: `</v2/${name}/tags/list?n=${wanted}&last=${last}>; rel="next"` }),
    },
  })
}

function pageSize({ query, limits }: Exchange): number {
  const text = query.get('n')
  if (text === null) return limits.maxPage
  if (!/^\d{1,9}$/.test(text)) throw new WireError('UNSUPPORTED', 'n is not a number', { status: 400 })
  return Math.min(Number(text), limits.maxPage)
}
