/** Runs of the workflows in this process, with the defaults of the command line, a clock that the test sets, and no retries. */
import type { TransferEvent } from '../../src/transfer/events.ts'
import { diskToMirror } from '../../src/workflow/disk-to-mirror.ts'
import type { MirrorOptions, RunContext } from '../../src/workflow/mirror-options.ts'
import { mirrorToDisk } from '../../src/workflow/mirror-to-disk.ts'
import { planRun } from '../../src/workflow/plan-run.ts'
import type { RunResult } from '../../src/workflow/run-result.ts'
import { mirrorOptions } from './mirror-options.ts'
import type { OurRegistry } from './our-registry.ts'

export interface RunOptions extends Partial<MirrorOptions> {
  readonly now?: string
  readonly signal?: AbortSignal
  readonly onEvent?: (event: TransferEvent) => void
}

const NAMESPACE = 'ns'

/** @param directory the workspace: its `working-dir` lies in it. */
export function optionsFor(configFile: string, directory: string): MirrorOptions {
  return mirrorOptions({ configFile, destination: { kind: 'disk', directory }, workspace: directory })
}

export function toRegistry({ host }: Pick<OurRegistry, 'host'>): MirrorOptions['destination'] {
  return { kind: 'registry', registry: host, namespace: NAMESPACE }
}

export function toDisk(config: string, root: string, options: RunOptions = {}): Promise<RunResult> {
  const { now, signal, onEvent, ...more } = options
  return mirrorToDisk({ ...optionsFor(config, root), ...more }, contextOf(root, { now, signal, onEvent }))
}

/** A dry run towards a disk, or from archives to a registry. */
export function plan(config: string, root: string, options: RunOptions = {}): Promise<RunResult> {
  const { now, signal, onEvent, ...more } = options
  return planRun({ ...optionsFor(config, root), dryRun: 'mapping', ...more }, contextOf(root, { now, signal, onEvent }))
}

/** From archives to a registry. */
export function toMirror(
  config: string,
  from: readonly [string, ...string[]],
  target: Pick<OurRegistry, 'host'>,
  options: RunOptions = {},
): Promise<RunResult> {
  const { now, signal, onEvent, ...more } = options
  const own = { from, outputs: from, destination: toRegistry(target) }
  return diskToMirror({ ...optionsFor(config, from[0]), ...own, ...more }, contextOf(from[0], { now, signal, onEvent }))
}

function contextOf(
  directory: string,
  {
    now = '2026-01-16T11:15:20Z',
    signal,
    onEvent,
  }: { readonly [Name in 'now' | 'signal' | 'onEvent']: RunOptions[Name] },
): RunContext {
  return {
    env: { HOME: `${directory}-home` },
    cwd: directory,
    signal: signal ?? new AbortController().signal,
    now: () => new Date(now),
    onEvent: onEvent ?? (() => undefined),
  }
}
