/**
 * Which manifests of a repository refer to which subject.
 *
 * What a manifest refers to never changes, so this is a cache that can be lost: an
 * append-only file with one line `<digest> <subject>` for each manifest that has
 * been looked at, brought up to date from the revisions directory when it is
 * asked. A line that a crash cut short is skipped and written again. Deleted
 * manifests stay listed: the caller checks that what it was told still exists.
 */
import { appendFile, mkdir, readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { isSystemError } from '../base/errors.ts'
import { mapLimit } from '../base/map-limit.ts'
import { isDigest } from '../oci/digest.ts'
import type { Digest } from '../oci/digest.ts'
import type { CallOptions } from './ports.ts'

const READS_AT_ONCE = 8

/** The subject of a manifest. What is gone may come back, so nothing is noted of it. */
export type RevisionFacts = Digest | 'no-subject' | 'gone'

export interface ReferrersPlaces {
  readonly log: string
  /** Has one directory for each algorithm, and in it one for each manifest. */
  readonly revisions: string
  readonly factsOf: (digest: Digest, options: CallOptions) => Promise<RevisionFacts>
}

/** Cost: one listing of the revisions, and one read of each manifest that no earlier call has seen. */
export async function referrersOf(
  subject: Digest,
  places: ReferrersPlaces,
  options: CallOptions,
): Promise<readonly Digest[]> {
  const known = await readLog(places.log)
  const unseen = (await listRevisions(places.revisions)).filter((digest) => !known.has(digest))
  const looked = await mapLimit(
    unseen,
    READS_AT_ONCE,
    async (digest, signal): Promise<[Digest, RevisionFacts]> => [digest, await places.factsOf(digest, { signal })],
    options,
  )
  const added = looked.filter(([, facts]) => facts !== 'gone')
  if (added.length > 0) await appendLog(places.log, added)
  return [...known, ...added].filter(([, of]) => of === subject).map(([digest]) => digest)
}

async function readLog(path: string): Promise<Map<Digest, string>> {
  const known = new Map<Digest, string>()
  const text = await orNothing(readFile(path, 'latin1'), '')
  for (const line of text.split('\n')) {
    const [digest = '', subject = ''] = line.split(' ')
    if (isDigest(digest) && (subject === 'no-subject' || isDigest(subject))) known.set(digest, subject)
  }
  return known
}

async function appendLog(path: string, added: readonly (readonly [Digest, string])[]): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await appendFile(path, `\n${added.map((pair) => pair.join(' ')).join('\n')}\n`)
}

async function listRevisions(revisions: string): Promise<Digest[]> {
  const lists = await Promise.all(
    ['sha256', 'sha512'].map(async (algorithm) => {
      const names = await orNothing(readdir(join(revisions, algorithm)), [])
      return names.map((hex) => `${algorithm}:${hex}`).filter(isDigest)
    }),
  )
  return lists.flat()
}

async function orNothing<T>(reading: Promise<T>, nothing: T): Promise<T> {
  try {
    return await reading
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return nothing
    throw error
  }
}
