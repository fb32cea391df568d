/**
 * Plain lines, for outputs that are no terminal: jobs, files, pipes.
 *
 * Never moves the cursor. While blobs move, a line of progress every ten seconds.
 */
import { formatBytes, formatDuration } from '../../base/units.ts'
import type { TransferEvent } from '../../transfer/events.ts'
import type { LogLevel } from '../../workflow/mirror-options.ts'
import { eventLine, shows } from './event-line.ts'
import { advance, measureRate, startProgress } from './progress.ts'
import type { Progress } from './progress.ts'
import { countsText } from './progress-lines.ts'
import type { Output, Reporter } from './reporter.ts'
import type { Style } from './style.ts'

export interface LineReporterOptions {
  readonly output: Output
  readonly level: LogLevel
  readonly style: Style
  readonly now: () => Date
}

const PROGRESS_EVERY_MS = 10_000

export function createLineReporter({ output, level, style, now }: LineReporterOptions): Reporter {
  const progress = startProgress()
  let lastMs = now().getTime()

  function onEvent(event: TransferEvent): void {
    advance(progress, event)
    const line = eventLine(event, style)
    if (shows(level, line.level)) output.write(`${line.text}\n`)
    const nowMs = now().getTime()
    if (progress.phase !== 'transfer' || nowMs - lastMs < PROGRESS_EVERY_MS) return
    lastMs = nowMs
    if (shows(level, 'info')) output.write(`${progressText(progress, nowMs)}\n`)
  }

  return { onEvent, pause: () => ({ [Symbol.dispose]: () => {} }), [Symbol.dispose]: () => {} }
}

function progressText(progress: Progress, nowMs: number): string {
  const rate = measureRate(progress, nowMs)
  const left = Math.max(progress.toFetch - progress.fetched, 0)
  const speed =
    rate === undefined || rate === 0
      ? ''
      : `, ${formatBytes(Math.round(rate))}/s, ${formatDuration((left / rate) * 1000)} left`
  return `${countsText(progress)}, ${formatBytes(left)} to go${speed}`
}
