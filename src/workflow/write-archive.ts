/**
 * From a plan to volumes: laid out, shown, filled, closed and remembered.
 */
import { mkdir, readFile, rm } from 'node:fs/promises'
import { basename } from 'node:path'
import { writeFileAtomic } from '../base/atomic-file.ts'
import type { ArchiveContent, ArchiveLayout } from '../archive/archive-types.ts'
import { openArchiveWriter } from '../archive/archive-writer.ts'
import type { ArchiveWriter } from '../archive/archive-writer.ts'
import { freeBytes } from '../archive/free-space.ts'
import { DEFAULT_VOLUME_BYTES, layoutArchive } from '../archive/layout.ts'
import { archiveContent, planDigest } from '../plan/archive-content.ts'
import type { Outcome, PlannedBlob, PlannedImage } from '../plan/plan-types.ts'
import { runPlan } from '../transfer/run-plan.ts'
import { keepBooks } from './archive-bookkeeping.ts'
import type { DiskRun, DiskTask } from './disk-task.ts'
import { writePinnedRun } from './pinned-run.ts'
import { planJson } from './plan-file.ts'
import { workspaceFiles } from './workspace-files.ts'

const GIB = 2 ** 30

export interface WrittenArchive {
  readonly outcome: Outcome
  /** Those of this run; none where no image came. */
  readonly volumes: readonly { readonly path: string; readonly size: number }[]
}

/** @param configurations paths of the pinned configurations of this run. */
export async function writeArchive(
  run: DiskRun,
  task: DiskTask,
  configurations: readonly string[],
): Promise<WrittenArchive> {
  const { root, pinnedRun, directory, options, onEvent, signal } = run
  const { pinned, plan } = task
  const content = await contentOfArchive(run, task, configurations)
  const layout = layoutArchive(content, {
    volumeBytes: (run.config.archiveSize ?? 0) * GIB || DEFAULT_VOLUME_BYTES,
    strict: options.strictArchive,
    firstVolume: pinned.firstVolume,
  })
  await showLayout(run, layout)
  const planned = { root, layout, content, planDigest: planDigest(plan), signal }
  await using writer = await openArchiveWriter(planned)
  if (!task.isBegun) await writePinnedRun(pinnedRun, pinned)

  const outcome = await transfer(run, task, writer)
  if (!outcome.copied.some(({ state }) => state === 'copy')) {
    // Nothing to carry, and nothing that binds the next run: what did arrive is used again.
    await rm(pinnedRun, { force: true })
    return { outcome, volumes: [] }
  }
  onEvent({ type: 'phase', phase: 'close' })
  const copied = new Set(outcome.copied.map(idOf))
  const failedImages = new Set(plan.images.map(idOf).filter((id) => !copied.has(id)))
  const { volumes, whole } = await writer.close({ failedImages, signal })
  const named = volumes.map(({ path, number, size }) => ({ name: basename(path), path, number, size }))
  await keepBooks(pinned, { volumes: named, whole }, { directory, pinnedRun, signal })
  for (const { path } of named) onEvent({ type: 'file-written', path, what: 'volume of the archive' })
  return { outcome, volumes: named }
}

async function contentOfArchive(
  run: DiskRun,
  { pinned, plan }: DiskTask,
  configurations: readonly string[],
): Promise<ArchiveContent> {
  const { options, directory, signal } = run
  const { createdAt } = plan
  await writeFileAtomic(
    directory.programVersion,
    JSON.stringify({ gitVersion: `airlift-${options.version}`, gitCommit: '' }),
  )
  const files = [
    { name: `isc_${createdAt}`, bytes: await readFile(options.configFile), images: [] },
    { name: 'airlift/plan.json', bytes: Buffer.from(planJson(plan)), images: [] },
    ...(await workspaceFiles(directory.root, configurations, { signal })),
  ]
  const history = new Set(pinned.held.digests)
  return archiveContent(plan, pinned.collection, { history, files, identity: pinned.identity })
}

async function showLayout({ root, onEvent }: DiskRun, { volumes, size }: ArchiveLayout): Promise<void> {
  await mkdir(root, { recursive: true })
  onEvent({
    type: 'archive-planned',
    directory: root,
    volumes: volumes.map((volume) => ({ name: volume.name, size: volume.size })),
    bytes: size,
    freeBytes: freeBytes(root),
  })
}

/** Without a writer there is nothing to fetch, and the plan only says so. */
export async function transfer(
  run: DiskRun,
  { plan, pinned }: DiskTask,
  writer: ArchiveWriter | undefined,
): Promise<Outcome> {
  const { clients, options, onEvent, signal } = run
  onEvent({ type: 'phase', phase: 'transfer' })
  using carrier = writer && clients.carrierTo(writer.slots)
  // What earlier archives hold is wanted by nobody, and has no slot.
  const isThere = ({ content, wantedBy }: PlannedBlob): boolean =>
    wantedBy.length > 0 && writer?.slots.slot(content) === undefined
  return await runPlan(
    { ...plan, blobs: plan.blobs.map((blob) => (isThere(blob) ? held(blob) : blob)) },
    {
      target: (name) => writer?.sink(name) ?? clients.targetAt(name),
      carrier: carrier ?? clients.carrier,
      manifests: pinned.collection.manifests,
      parallelImages: options.parallelImages,
      parallelBlobs: options.parallelLayers,
      keepGoing: options.keepGoing,
      signal,
      onEvent,
    },
  )
}

/** A blob that a stopped run brought is there for every repository of the archive. */
function held({ content, wantedBy, heldBy }: PlannedBlob): PlannedBlob {
  return { content, wantedBy: [], heldBy: [...heldBy, ...wantedBy] }
}

/** As an archive names its images: without a registry. */
function idOf({ target: { repository, tag } }: PlannedImage): string {
  return `${repository}:${tag}`
}
