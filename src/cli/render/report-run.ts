/**
 * How the mirror command shows itself: events while it runs, then its result.
 *
 * stdout is the result (plan, summary, or events as JSON); stderr is for people.
 */
import type { LogLevel } from '../../workflow/mirror-options.ts'
import type { RunResult } from '../../workflow/run-result.ts'
import type { CliContext } from '../cli-context.ts'
import { createJsonReporter, writeRecord } from './json-reporter.ts'
import { createLineReporter } from './line-reporter.ts'
import { createLiveReporter } from './live-reporter.ts'
import { renderPlan } from './plan-table.ts'
import type { Reporter } from './reporter.ts'
import { styleFor } from './style.ts'
import { renderSummary } from './summary.ts'
import { safeLine } from './text.ts'

type ScreenContext = Pick<CliContext, 'env' | 'now' | 'stdout' | 'stderr'>

export function createReporter(
  { env, now, stdout, stderr }: ScreenContext,
  { isJson, level }: { readonly isJson: boolean; readonly level: LogLevel },
): Reporter {
  if (isJson) return createJsonReporter(stdout, now)
  const isLive = stderr.isTTY === true && env['TERM'] !== 'dumb'
  const options = { output: stderr, level, now, style: styleFor(stderr.isTTY === true, env) }
  return isLive ? createLiveReporter(options) : createLineReporter(options)
}

export function reportResult(
  { plan, outcome, volumes, files }: RunResult,
  { env, now, stdout }: ScreenContext,
  { isJson, durationMs }: { readonly isJson: boolean; readonly durationMs: number },
): void {
  if (isJson) {
    if (outcome === undefined) writeRecord(stdout, { type: 'plan', plan }, now())
    return
  }
  const style = styleFor(stdout.isTTY === true, env)
  if (outcome !== undefined)
    return void stdout.write(
      renderSummary({ plan, outcome, files, durationMs, ...(volumes !== undefined && { volumes }) }, style),
    )
  const width = stdout.isTTY === true ? (stdout.columns ?? 80) : Infinity
  stdout.write(renderPlan(plan, { style, width }))
  for (const file of files) stdout.write(`${safeLine(file)}\n`)
}
