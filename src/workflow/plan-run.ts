/**
 * A dry run: everything up to the plan, and nothing at the target.
 *
 * Writes `dry-run/mapping.txt` and, towards a disk, `missing.txt`; towards a
 * registry, the cluster resources that the run would write, beside them.
 */
import { join } from 'node:path'
import { rejectWithReason } from '../base/abort-reason.ts'
import { writeFileAtomic } from '../base/atomic-file.ts'
import type { Collection, WantedImage } from '../plan/collection.ts'
import { manifestLines, mappingLines } from '../plan/mapping.ts'
import type { Plan } from '../plan/plan-types.ts'
import { collectSet, findFacts, planSet } from './collect-set.ts'
import type { MirrorOptions, RunContext } from './mirror-options.ts'
import { openRun } from './open-run.ts'
import type { Run } from './open-run.ts'
import { planJson } from './plan-file.ts'
import type { RunResult } from './run-result.ts'
import { writeResources } from './write-resources.ts'

/** Exits 0 also where images cannot be resolved: they are listed, as the original does. */
export function planRun(options: MirrorOptions, context: RunContext): Promise<RunResult> {
  return rejectWithReason(context.signal, planAll(options, context))
}

async function planAll(options: MirrorOptions, context: RunContext): Promise<RunResult> {
  await using run = await openRun(options, context)
  const collection = await collectSet(run)
  const plan = planSet(run, collection, await findFacts(run, collection))
  const files = [
    ...(await writeMapping(run, collection)),
    ...(options.destination.kind === 'disk' ? await writeMissing(run, plan) : await writePlannedResources(run, plan)),
  ]
  const planFile = join(run.directory.dryRun, 'plan.json')
  await writeFileAtomic(planFile, planJson(plan))
  for (const path of files) run.onEvent({ type: 'file-written', path, what: 'dry run' })
  return { exitCode: 0, plan, files: [...files, planFile] }
}

async function writeMapping(
  { directory, set, base, options }: Run,
  collection: Collection,
): Promise<readonly string[]> {
  const path = join(directory.dryRun, 'mapping.txt')
  const isBlocked = new Set(collection.blocked.map(({ image }) => image))
  const images = set.wanted.filter((image) => !isBlocked.has(image))
  const shown = { ...collection, images: collection.images.map((image) => inCache(image, options)) }
  const lines = mappingLines(
    images.map((image) => inCache(image, options)),
    base,
  )
  const more = options.dryRun === 'mapping-with-manifests' ? manifestLines(shown, base) : []
  await writeFileAtomic(path, [...new Set([...lines, ...more])].map((line) => `${line}\n`).join(''))
  return [path]
}

/** What comes from an archive is mapped from the original's cache, which scripts of users expect there. */
function inCache<Image extends WantedImage>(image: Image, { from, port }: MirrorOptions): Image {
  const { repository, tag } = image
  return from.length === 0 ? image : { ...image, source: `docker://localhost:${port}/${repository}:${tag}` }
}

/** Images of which something would be fetched, and those that cannot be: what an archive does not hold yet. */
async function writeMissing({ directory, base, clients, signal }: Run, plan: Plan): Promise<readonly string[]> {
  const path = join(directory.dryRun, 'missing.txt')
  const missing = [...plan.unresolved]
  const lines = mappingLines(missing, base)
  const archived = new Set(plan.blobs.flatMap(({ content, heldBy }) => (heldBy.length > 0 ? [content.digest] : [])))
  for (const image of plan.images) {
    const blobs = image.manifests.flatMap(({ blobs }) => blobs).filter(({ digest }) => !archived.has(digest))
    const cached = await Promise.all(blobs.map((blob) => clients.isCached(blob, { signal })))
    if (cached.some((isCached) => !isCached)) lines.push(...mappingLines([image.wanted], base))
  }
  await writeFileAtomic(path, lines.map((line) => `${line}\n`).join(''))
  return [path]
}

async function writePlannedResources({ directory, createdAt, options }: Run, plan: Plan): Promise<readonly string[]> {
  return await writeResources(plan.images, {
    directory: join(directory.dryRun, 'cluster-resources'),
    metadata: { createdAt, version: options.version },
    keepsPaths: options.maxNestedPaths === 0,
    cumulative: false,
  })
}
