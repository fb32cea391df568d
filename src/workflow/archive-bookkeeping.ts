/**
 * What a workspace remembers of an archive that is finished: the history of what
 * it holds, and the record of its volumes and tags.
 *
 * Written once the volumes have their names. A run that was killed in between is
 * made good by the next one, from the volumes themselves.
 */
import { rm } from 'node:fs/promises'
import { readHistory, writeHistory } from '../archive/history.ts'
import { openArchive } from '../archive/open-archive.ts'
import type { CallOptions } from '../content/ports.ts'
import type { Digest } from '../oci/digest.ts'
import { imageGraph } from '../plan/image-graph.ts'
import { recordArchive } from './archive-record.ts'
import type { RecordedVolume } from './archive-record.ts'
import type { PinnedRun } from './pinned-run.ts'
import type { WorkingDir } from './working-dir.ts'
import { workspaceVolumes } from './workspace-volumes.ts'

export interface FinishedArchive {
  readonly volumes: readonly RecordedVolume[]
  /** Blobs and manifests that lie in the volumes. */
  readonly whole: ReadonlySet<Digest>
}

export interface BookkeepingOptions extends CallOptions {
  readonly directory: WorkingDir
  /** File of the pinned run; it goes last. */
  readonly pinnedRun: string
}

export async function keepBooks(
  { identity, collection, held }: PinnedRun,
  { volumes, whole }: FinishedArchive,
  { directory, pinnedRun, signal }: BookkeepingOptions,
): Promise<void> {
  const { createdAt } = collection
  const earlier = await readHistory(directory.root, { signal })
  await writeHistory(directory.root, createdAt, new Set([...earlier, ...whole]))
  const there = new Set([...held.digests, ...whole])
  const tags = collection.images.flatMap((image) =>
    imageGraph(image, image.tag, collection.manifests).flatMap(({ manifest: { descriptor }, tags: names }) =>
      there.has(descriptor.digest)
        ? names.map((tag): [string, Digest] => [`${image.repository}:${tag}`, descriptor.digest])
        : [],
    ),
  )
  const known = new Map(held.tags)
  await recordArchive(directory.archives, {
    id: identity.id,
    sequence: identity.sequence,
    createdAt,
    volumes: volumes.map(({ name, number, size }) => ({ name, number, size })),
    tags: Object.fromEntries(tags.filter(([tag, digest]) => known.get(tag) !== digest)),
  })
  await rm(pinnedRun, { force: true })
}

/** The volumes of a pinned run, where all of them have their names; `undefined` where it is still to be finished. */
export async function findFinished(
  root: string,
  { identity, firstVolume }: PinnedRun,
  options: CallOptions,
): Promise<FinishedArchive | undefined> {
  const volumes = (await workspaceVolumes(root)).filter(({ number }) => number >= firstVolume)
  if (volumes.length === 0) return undefined
  const paths = volumes.map(({ path }) => path)
  await using archive = await openArchive(paths, { ...options, partial: true })
  const set = archive.sets.find((found) => found.archive?.id === identity.id)
  if (set === undefined || set.missing.length > 0) return undefined
  const own = new Set(set.volumes.map(({ path }) => path))
  const whole = [...archive.digests()].filter((digest) => own.has(archive.locate(digest)?.volume.path ?? ''))
  return { volumes: set.volumes, whole: new Set(whole) }
}
