/**
 * Mirror to disk: from the connected side's registries straight into the volumes
 * of an archive, each byte to the place that it keeps.
 *
 * What earlier archives of the workspace hold is left out. What is planned is
 * pinned before the first blob comes, so a run that is stopped goes on with it
 * and ends with the same bytes.
 */
import { join } from 'node:path'
import { rejectWithReason } from '../base/abort-reason.ts'
import { writeFileAtomic } from '../base/atomic-file.ts'
import { beginTask } from './disk-task.ts'
import type { DiskRun } from './disk-task.ts'
import { writeErrorsFile } from './errors-file.ts'
import type { MirrorOptions, RunContext } from './mirror-options.ts'
import { openRun } from './open-run.ts'
import { writePinned } from './pinned-files.ts'
import { planJson } from './plan-file.ts'
import { exitCodeOf } from './run-result.ts'
import type { RunResult } from './run-result.ts'
import { workingDir } from './working-dir.ts'
import { transfer, writeArchive } from './write-archive.ts'

/**
 * @throws {AirliftError} for a configuration, flag or disk that lets nothing start or nothing end; an image that fails is in
 *   the result, and the archive is complete for all others.
 */
export function mirrorToDisk(options: MirrorOptions, context: RunContext): Promise<RunResult> {
  return rejectWithReason(context.signal, archiveAll(options, context))
}

async function archiveAll(options: MirrorOptions, context: RunContext): Promise<RunResult> {
  if (options.destination.kind !== 'disk') throw new Error('the destination is no disk')
  const root = options.destination.directory
  const started = context.now().getTime()
  await using opened = await openRun(options, context)
  const run: DiskRun = { ...opened, root, pinnedRun: join(root, '.airlift', 'run.json') }
  const task = await beginTask(run)
  const { plan, pinned } = task
  const directory = workingDir(run.directory.root, new Date(pinned.collection.createdAt))
  const configurations = await writePinned({ ...run, directory })
  await writeFileAtomic(directory.plan, planJson(plan))

  const isNew = plan.images.some(({ state }) => state === 'copy')
  const { outcome, volumes } = isNew
    ? await writeArchive(run, task, configurations)
    : { outcome: await transfer(run, task, undefined), volumes: [] }
  const errors = await writeErrorsFile(run.directory.errors(), outcome)
  for (const path of errors) run.onEvent({ type: 'file-written', path, what: 'list of failed images' })
  const exitCode = exitCodeOf(outcome)
  run.onEvent({
    type: 'run-finished',
    counts: outcome.counts,
    images: outcome.copied.length,
    failed: outcome.failures.length + outcome.notStarted.length,
    durationMs: context.now().getTime() - started,
    exitCode,
  })
  const files = [directory.plan, ...configurations, ...errors, run.directory.log()]
  return { exitCode, plan, outcome, volumes, files }
}
