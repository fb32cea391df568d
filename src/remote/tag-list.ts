/** The tags of a repository, in its order, page by page. */
import type { CallOptions } from '../content/ports.ts'
import { isTag } from '../oci/reference.ts'
import { pages } from './paging.ts'
import { discard } from './response-body.ts'
import type { RepositorySite } from './repository-site.ts'
import { sitePath } from './repository-site.ts'
import type { Exchange } from './transport.ts'

const PAGE_SIZE = 1000
const MAX_TAGS = 1_000_000

/** None where there is no such repository. */
export async function* listTags(site: RepositorySite, options: CallOptions): AsyncGenerator<string, void> {
  const request = {
    ...site.reading,
    method: 'GET',
    path: sitePath(site, `tags/list?n=${PAGE_SIZE}`),
    doing: `listing tags of ${site.label}`,
  } as const
  const accept = async (exchange: Exchange): Promise<'read' | 'absent'> => {
    if (exchange.status === 200) return 'read'
    if (exchange.status !== 404) return site.session.refuse(request, exchange)
    await discard(exchange)
    return 'absent'
  }
  let count = 0
  for await (const tags of pages(site, { request, accept, parse: parseTags }, options)) {
    count += tags.length
    if (count > MAX_TAGS) throw new Error(`${site.label} has more than ${MAX_TAGS} tags`)
    yield* tags
  }
}

function parseTags(json: unknown): readonly string[] {
  const tags = json !== null && typeof json === 'object' ? (json as { readonly tags?: unknown }).tags : 'none'
  if (tags === null || tags === undefined) return []
  if (!Array.isArray(tags)) throw new Error('tags is not a list')
  return tags.map((tag) => {
    if (typeof tag !== 'string' || !isTag(tag)) throw new Error('a tag is not one')
    return tag
  })
}
