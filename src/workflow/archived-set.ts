/**
 * An image set as it is found in archives: the same images, named by the
 * repository and tag that mirror to disk gave them.
 */
import { z } from 'zod'
import { AirliftError } from '../base/errors.ts'
import type { Archive } from '../archive/reading-types.ts'
import type { CallOptions } from '../content/ports.ts'
import type { BlockedImage, Collection, UnresolvedImage, WantedImage } from '../plan/collection.ts'
import type { WantedSet } from './wanted-images.ts'

const PLAN = z.object({
  blocked: z.array(z.object({ by: z.string(), image: z.object({ origin: z.string() }) })),
})
/** Far above the plan of the largest image sets. */
const MAX_PLAN_BYTES = 512 * 1024 * 1024

/**
 * Bases that nothing may be built on were looked at when the archive was made, and are not in it: what they blocked then
 * is blocked now.
 */
export async function archivedSet(set: WantedSet, archive: Archive, options: CallOptions): Promise<WantedSet> {
  const there = new Set(archive.images.map(({ id }) => id))
  const blockedThere = set.blockedBases.length === 0 ? new Map<string, string>() : await blockedByBase(archive, options)
  const isBlocked = (image: WantedImage): boolean => !there.has(idOf(image)) && blockedThere.has(image.origin)
  const blocked: BlockedImage[] = set.wanted
    .filter(isBlocked)
    .map((image) => ({ image, by: blockedThere.get(image.origin) ?? '' }))
  return {
    wanted: set.wanted.filter((image) => !isBlocked(image)).map(inArchive),
    blocked: [...set.blocked, ...blocked],
    blockedBases: [],
  }
}

/** Images that are not in the archive fail with words about archives, not about registries. */
export function explainMissing(collection: Collection, archive: Archive): Collection {
  const states = new Map(archive.images.map(({ id, state }) => [id, state]))
  const explained = (image: UnresolvedImage): UnresolvedImage =>
    image.error.code === 'MANIFEST_UNKNOWN' ? { ...image, error: missing(image, states.get(idOf(image))) } : image
  return { ...collection, unresolved: collection.unresolved.map(explained) }
}

/** @param state of the image in the archive's index; absent where it is not there. */
function missing(image: UnresolvedImage, state: 'whole' | 'void' | undefined): AirliftError {
  const [what, hint] = WORDS[state ?? 'absent']
  const cause = state === 'whole' ? image.error : undefined
  return new AirliftError('ARCHIVE_INCOMPLETE', `${idOf(image)} ${what}`, { cause, hint, details: { side: 'source' } })
}

const WORDS = {
  whole: [
    'is in the archives given, but not all of it',
    'name the same platforms as when it was mirrored to disk, or mirror it to disk again with these',
  ],
  void: [
    'is not in the archives given: it failed when they were made',
    'mirror to disk again, which brings what lacked, and carry the new volumes',
  ],
  absent: [
    'is in none of the archives given',
    'mirror it to disk first, give the directory of its archive with --from, or take it out of the configuration',
  ],
} as const

function inArchive(image: WantedImage): WantedImage {
  return { ...image, place: { kind: 'archive', repository: image.repository }, name: image.tag }
}

function idOf({ repository, tag }: WantedImage): string {
  return `${repository}:${tag}`
}

/** Origin and what blocked it, from the archive's plan; nothing where another program made the archive. */
async function blockedByBase(archive: Archive, options: CallOptions): Promise<ReadonlyMap<string, string>> {
  const bytes = await archive.readFile('airlift/plan.json', { ...options, maxBytes: MAX_PLAN_BYTES })
  if (bytes === undefined) return new Map()
  const { blocked } = PLAN.parse(JSON.parse(new TextDecoder().decode(bytes)))
  return new Map(blocked.filter(({ by }) => by.startsWith('baseImage ')).map(({ image, by }) => [image.origin, by]))
}
