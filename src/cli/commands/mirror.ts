/** The main command: mirrors an image set, or plans to. */
import type { RunContext } from '../../workflow/mirror-options.ts'
import type { RunResult } from '../../workflow/run-result.ts'
import type { CliContext, Workflows } from '../cli-context.ts'
import { readCredentials, refuseUnsupported } from '../credential-flags.ts'
import type { FlagValues } from '../flag-values.ts'
import { MIRROR_FLAGS } from '../flags.ts'
import { readMirrorArguments } from '../mirror-arguments.ts'
import type { MirrorArguments } from '../mirror-arguments.ts'
import type { Reporter } from '../render/reporter.ts'

/** @returns the exit code. */
export async function runMirror(
  values: FlagValues,
  destinations: readonly string[],
  context: CliContext,
): Promise<number> {
  try {
    return await mirror(values, destinations, context)
  } catch (error) {
    if (values['output'] === 'json') {
      const { errorRecord, writeRecord } = await import('../render/json-reporter.ts')
      writeRecord(context.stdout, errorRecord(error), context.now())
    }
    throw error
  }
}

async function mirror(values: FlagValues, destinations: readonly string[], context: CliContext): Promise<number> {
  refuseUnsupported(values, MIRROR_FLAGS)
  const credentials = readCredentials(values)
  const request = readMirrorArguments(values, destinations, context)

  const { createReporter, reportResult } = await import('../render/report-run.ts')
  const isJson = values['output'] === 'json'
  using reporter = createReporter(context, { isJson, level: request.options.logLevel })
  for (const extra of destinations.slice(1)) {
    reporter.onEvent({
      type: 'warning',
      message: `the argument ${JSON.stringify(extra)} is ignored: a run has one destination`,
    })
  }
  const workflows = await context.loadWorkflows()
  const startMs = context.now().getTime()
  const run = request.options.dryRun === 'off' ? workflowOf(request, workflows) : workflows.planRun
  const ask = askCredentials(context.askCredentials, credentials, reporter)
  const result: RunResult = await run(request.options, {
    env: context.env,
    cwd: context.cwd,
    signal: context.signal,
    now: context.now,
    onEvent: reporter.onEvent,
    ...(ask !== undefined && { askCredentials: ask }),
  })
  reporter[Symbol.dispose]()
  reportResult(result, context, { isJson, durationMs: context.now().getTime() - startMs })
  return result.exitCode
}

function workflowOf({ mode }: MirrorArguments, workflows: Workflows): Workflows['planRun'] {
  switch (mode) {
    case 'mirror-to-disk':
      return workflows.mirrorToDisk
    case 'disk-to-mirror':
      return workflows.diskToMirror
    case 'mirror-to-mirror':
      return workflows.mirrorToMirror
  }
}

/** Credentials of the command line answer first, once for each registry; then the person, if there is one. */
function askCredentials(
  ask: RunContext['askCredentials'],
  given: ReturnType<typeof readCredentials>,
  reporter: Reporter,
): RunContext['askCredentials'] {
  if (ask === undefined && given.source === undefined && given.target === undefined) return undefined
  const answered = new Set<string>()
  return async (registry, side) => {
    const credentials = given[side]
    if (credentials !== undefined && !answered.has(`${side} ${registry}`)) {
      answered.add(`${side} ${registry}`)
      return credentials
    }
    using _paused = reporter.pause()
    return await ask?.(registry, side)
  }
}
