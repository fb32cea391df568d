/**
 * Which volumes belong together, and which of them are not here. Pure.
 *
 * A set with an index may lie in several directories; volumes without index are
 * one set for each directory, and only gaps in their numbers tell that one lacks.
 */
import { dirname, join } from 'node:path'
import type { Digest } from '../oci/digest.ts'
import type { ArchiveIdentity } from './archive-types.ts'
import { volumeName } from './entry-names.ts'
import type { VolumeProblem, VolumeSet } from './reading-types.ts'
import type { VolumeContent } from './volume-content.ts'

/** In the order of their first volumes. */
export function groupVolumes(volumes: readonly VolumeContent[]): readonly VolumeSet[] {
  const groups = new Map<string, VolumeContent[]>()
  for (const content of volumes) {
    const key = content.index?.archive.id ?? dirname(content.file.path)
    groups.set(key, [...(groups.get(key) ?? []), content])
  }
  const names = new Set(volumes.map(({ file }) => file.name))
  return [...groups.values()].map((group) => describeSet(group, names))
}

export function missingVolumes(
  sets: readonly VolumeSet[],
  volumes: readonly VolumeContent[],
): readonly VolumeProblem[] {
  return sets.flatMap(({ archive, missing, volumes: [first] }) =>
    missing.map((name) => {
      const path = join(dirname(first?.path ?? ''), name)
      const other = volumes.find(({ file }) => file.path === path)?.volume
      const what = archive === undefined ? '' : ` of ${describeIdentity(archive)}`
      const why = other === undefined ? '' : `: the file of that name belongs to ${describeIdentity(other.archive)}`
      return { kind: 'missing', path, message: `${path}${what} is missing${why}` } as const
    }),
  )
}

/** `archive 2 (sha256:2cf24dba5fb0)`: the digest as far as it tells archives apart. */
function describeIdentity(archive: Pick<ArchiveIdentity, 'id' | 'sequence'> | undefined): string {
  return archive === undefined ? 'another archive' : `archive ${archive.sequence} (${archive.id.slice(0, 19)})`
}

/** Which archive would hold what is in no volume: from what the newest that names it says of those before it. */
export function holderOf(digest: Digest, sets: readonly VolumeSet[], volumes: readonly VolumeContent[]): string {
  const naming = volumes.filter(({ index }) => index?.images.some(({ content }) => content.includes(digest)))
  const newest = naming.toSorted((a, b) => sequenceOf(b) - sequenceOf(a))[0]?.index?.archive
  if (newest === undefined) {
    const gaps = sets.flatMap((set) => (set.archive === undefined ? set.missing : []))
    return gaps.length > 0 ? `${gaps.join(', ')}, or an earlier archive` : 'an earlier archive of the same workspace'
  }
  const opened = new Map(sets.flatMap((set) => (set.archive === undefined ? [] : [[set.archive.id, set] as const])))
  for (let archive: ArchiveIdentity | undefined = newest; archive !== undefined;) {
    const set = opened.get(archive.id)
    if (set !== undefined && set.missing.length > 0) return `${set.missing.join(', ')} of ${describeIdentity(archive)}`
    if (archive.continues === undefined) break
    const before = opened.get(archive.continues.id)
    if (before?.archive === undefined) return `${describeIdentity(archive.continues)}${orEarlier(archive.continues)}`
    // A chain that leads back up is none.
    archive = before.archive.sequence < archive.sequence ? before.archive : undefined
  }
  return 'an earlier archive of the same workspace'
}

function orEarlier({ sequence }: { readonly sequence: number }): string {
  return sequence > 1 ? ' or one before it' : ''
}

function describeSet(group: readonly VolumeContent[], allNames: ReadonlySet<string>): VolumeSet {
  const index = group.find((content) => content.index !== undefined)?.index
  const volumes = group.map(({ volume }) => volume)
  if (index === undefined) return { volumes, missing: gapsIn(volumes, allNames) }
  // One of another name has been told to be swapped; its content is here.
  const here = new Set(group.map((content) => content.index?.volume.name))
  return {
    archive: index.archive,
    createdAt: index.createdAt,
    volumes,
    missing: index.volumes.map(({ name }) => name).filter((name) => !here.has(name)),
  }
}

/** Of numbers from 1 on that no volume has, in whichever directory. */
function gapsIn(volumes: VolumeSet['volumes'], allNames: ReadonlySet<string>): readonly string[] {
  const last = Math.max(...volumes.map(({ number }) => number))
  return Array.from({ length: Math.min(last, MAX_GAPS) }, (_, index) => volumeName(index + 1)).filter(
    (name) => !allNames.has(name),
  )
}

/** Numbers that are looked at: a name may claim any. */
const MAX_GAPS = 10_000

function sequenceOf({ index }: VolumeContent): number {
  return index?.archive.sequence ?? 0
}
