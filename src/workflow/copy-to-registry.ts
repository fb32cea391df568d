/**
 * What mirror to mirror and disk to mirror have in common: collection, plan,
 * transfer, then what a cluster needs.
 *
 * Each step's value is written to the workspace before the next begins.
 */
import { rejectWithReason } from '../base/abort-reason.ts'
import { writeFileAtomic } from '../base/atomic-file.ts'
import type { Outcome } from '../plan/plan-types.ts'
import { runPlan } from '../transfer/run-plan.ts'
import { collectSet, findFacts, planSet } from './collect-set.ts'
import { writeErrorsFile } from './errors-file.ts'
import type { MirrorOptions, RunContext } from './mirror-options.ts'
import { openRun } from './open-run.ts'
import type { Run } from './open-run.ts'
import { planJson } from './plan-file.ts'
import { exitCodeOf } from './run-result.ts'
import type { RunResult } from './run-result.ts'
import { writeResources } from './write-resources.ts'

export interface CopyToRegistryOptions {
  /** Pinned configurations: what names the same images again. Also where images failed. */
  readonly writeConfigurations: (run: Run) => Promise<readonly string[]>
}

export function copyToRegistry(
  options: MirrorOptions,
  context: RunContext,
  more: CopyToRegistryOptions,
): Promise<RunResult> {
  return rejectWithReason(context.signal, copyAll(options, context, more))
}

async function copyAll(
  options: MirrorOptions,
  context: RunContext,
  { writeConfigurations }: CopyToRegistryOptions,
): Promise<RunResult> {
  const started = context.now().getTime()
  await using run = await openRun(options, context)
  const { clients, onEvent, directory, signal } = run
  if (options.since !== undefined)
    onEvent({ type: 'warning', message: '--since has no effect here: it is for runs that write archives' })
  const collection = await collectSet(run)
  const plan = planSet(run, collection, await findFacts(run, collection))
  await writeFileAtomic(directory.plan, planJson(plan))

  onEvent({ type: 'phase', phase: 'transfer' })
  const outcome = await runPlan(plan, {
    target: clients.targetAt,
    carrier: clients.carrier,
    manifests: collection.manifests,
    parallelImages: options.parallelImages,
    parallelBlobs: options.parallelLayers,
    keepGoing: options.keepGoing,
    signal,
    onEvent,
  })

  onEvent({ type: 'phase', phase: 'resources' })
  const configurations = await writeConfigurations(run)
  const files = [...configurations, ...(await describe(run, outcome))]
  const exitCode = exitCodeOf(outcome)
  onEvent({
    type: 'run-finished',
    counts: outcome.counts,
    images: outcome.copied.length,
    failed: outcome.failures.length + outcome.notStarted.length,
    durationMs: context.now().getTime() - started,
    exitCode,
  })
  return { exitCode, plan, outcome, files: [directory.plan, ...files, directory.log()] }
}

/** Of the images that succeeded, also where others failed. */
async function describe(run: Run, outcome: Outcome): Promise<readonly string[]> {
  const { options, directory, createdAt, onEvent } = run
  const resources = await writeResources(outcome.copied, {
    directory: directory.clusterResources,
    metadata: { createdAt, version: options.version },
    keepsPaths: options.maxNestedPaths === 0,
    cumulative: options.cumulativeResources,
  })
  const errors = await writeErrorsFile(directory.errors(), outcome)
  for (const path of resources) onEvent({ type: 'file-written', path, what: 'cluster resource' })
  for (const path of errors) onEvent({ type: 'file-written', path, what: 'list of failed images' })
  return [...resources, ...errors]
}
