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
  let lines = ''
  let timer: NodeJS.Timeout | undefined
  let pauses = 0

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
    if (pauses > 0) return
    output.write(`${erase()}${takeLines()}${frame()}`)
    if (progress.running.size > 0) schedule()
  }

  function schedule(): void {
    if (pauses === 0) timer ??= setTimeout(draw, REDRAW_EVERY_MS).unref()
  }

  function takeLines(): string {
    const text = lines
    lines = ''
    return text
  }

  function onEvent(event: TransferEvent): void {
    advance(progress, event)
    const line = eventLine(event, style)
    if (event.type !== 'phase' && shows(options.level, line.level)) lines += `${line.text}\n`
    schedule()
  }

  function stop(): void {
    clearTimeout(timer)
    timer = undefined
    pauses += 1
    output.write(`${erase()}${takeLines()}`)
  }

  return {
    onEvent,
    pause() {
      stop()
      return {
        [Symbol.dispose]: () => {
          pauses -= 1
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
