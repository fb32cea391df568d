/**
 * A progress display that is redrawn in place at the bottom of a terminal, with
 * the lines that stay above it.
 *
 * Redraws at most ten times a second. The terminal may change its width between two
 * draws and wrap what stands there, so the rows to erase are counted by the width
 * of now.
 */
import { stripVTControlCharacters } from 'node:util'
import type { TransferEvent } from '../../transfer/events.ts'
import type { LogLevel } from '../../workflow/mirror-options.ts'
import { eventLine, shows } from './event-line.ts'
import { advance, measureRate, startProgress } from './progress.ts'
import { progressLines } from './progress-lines.ts'
import type { Output, Reporter } from './reporter.ts'
import type { Style } from './style.ts'

export interface LiveReporterOptions {
  readonly output: Output
  readonly level: LogLevel
  readonly style: Style
  readonly now: () => Date
}

const REDRAW_EVERY_MS = 100

export function createLiveReporter(options: LiveReporterOptions): Reporter {
  const { output, style } = options
  const progress = startProgress()
  let drawn: readonly string[] = []
  let timer: NodeJS.Timeout | undefined
  let isPaused = false

  function columns(): number {
    return output.columns ?? 80
  }

  function erase(): string {
    if (drawn.length === 0) return ''
    const rows = drawn.reduce((sum, line) => sum + rowsOf(line, columns()), 0)
    drawn = []
    // To the first row of the display, then clear to the end of the screen.
    return `\u001B[${rows}A\r\u001B[J`
  }

  function frame(): string {
    const rate = measureRate(progress, options.now().getTime())
    drawn = progressLines(progress, { columns: columns(), rows: output.rows ?? 24, style, rate })
    return drawn.map((line) => `${line}\n`).join('')
  }

  function draw(): void {
    timer = undefined
    if (isPaused) return
    output.write(`${erase()}${frame()}`)
    if (progress.running.size > 0) schedule()
  }

  function schedule(): void {
    timer ??= setTimeout(draw, REDRAW_EVERY_MS).unref()
  }

  function print(text: string): void {
    output.write(`${erase()}${text}\n${isPaused ? '' : frame()}`)
  }

  function onEvent(event: TransferEvent): void {
    advance(progress, event)
    const line = eventLine(event, style)
    if (event.type !== 'phase' && shows(options.level, line.level)) print(line.text)
    else schedule()
  }

  function stop(): void {
    clearTimeout(timer)
    timer = undefined
    isPaused = true
    output.write(erase())
  }

  return {
    onEvent,
    pause() {
      stop()
      return {
        [Symbol.dispose]: () => {
          isPaused = false
          schedule()
        },
      }
    },
    [Symbol.dispose]: stop,
  }
}

function rowsOf(line: string, columns: number): number {
  return Math.max(1, Math.ceil(stripVTControlCharacters(line).length / Math.max(columns, 1)))
}
