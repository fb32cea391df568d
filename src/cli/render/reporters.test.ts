import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createJsonReporter, errorRecord } from './json-reporter.ts'
import { AirliftError } from '../../base/errors.ts'
import { createLineReporter } from './line-reporter.ts'
import { createLiveReporter } from './live-reporter.ts'
import type { Output } from './reporter.ts'
import { createStyle } from './style.ts'

const STYLE = createStyle({ hasColor: false, hasUnicode: false })
/** How a control sequence begins. */
const CSI = '\u001B['
const A = 'mirror.example/a:1'
const TOTALS = {
  images: 1,
  present: 0,
  manifests: 1,
  blobs: 1,
  bytes: { total: 100, unique: 100, shared: 0, present: 0, reused: 0, mounted: 0, toFetch: 100 },
}

class Screen implements Output {
  readonly isTTY = true
  columns = 60
  rows = 24
  readonly writes: string[] = []

  write(text: string): void {
    this.writes.push(text)
  }

  /** What a terminal shows: our two control sequences, applied. */
  get lines(): string[] {
    const lines = ['']
    for (const part of this.writes.join('').split(CSI)) {
      const up = /^(?<rows>\d+)A\r$/.exec(part)?.groups?.['rows']
      if (up !== undefined) {
        lines.splice(lines.length - 1 - Number(up), Number(up))
        continue
      }
      const [first = '', ...rest] = part.replace(/^J/, '').split('\n')
      lines.push(`${lines.pop() ?? ''}${first}`, ...rest)
    }
    return lines.slice(0, -1)
  }
}

const now = (): Date => new Date()

beforeEach(() => void vi.useFakeTimers({ now: 0 }))
afterEach(() => void vi.useRealTimers())

describe('the live reporter', () => {
  it('redraws in place, below the lines that stay', () => {
    const screen = new Screen()
    using reporter = createLiveReporter({ output: screen, level: 'info', style: STYLE, now })

    reporter.onEvent({ type: 'phase', phase: 'transfer' })
    reporter.onEvent({ type: 'planned', totals: TOTALS, blocked: 0, unresolved: 0 })
    reporter.onEvent({ type: 'image-started', image: A, origin: A, bytes: 100 })
    vi.advanceTimersByTime(100)
    reporter.onEvent({ type: 'blob-started', image: A, digest: 'x', size: 100 })
    reporter.onEvent({ type: 'blob-finished', image: A, digest: 'x', size: 100 })
    vi.advanceTimersByTime(100)
    expect(screen.lines).toHaveLength(4)
    reporter.onEvent({ type: 'image-finished', image: A, state: 'copied' })
    vi.advanceTimersByTime(100)

    expect(screen.lines).toMatchInlineSnapshot(`
      [
        "plan: 1 image, 0 there already, 100 B to fetch, 0 B to mount, 0 B there already",
        "copied mirror.example/a:1",
        "####################################  100 %  100 B of 100 B",
        "images 1 of 1, fetched 100 B, mounted 0 B, there already 0 ",
      ]
    `)
  })

  it('redraws at most ten times a second', () => {
    const screen = new Screen()
    using reporter = createLiveReporter({ output: screen, level: 'info', style: STYLE, now })

    reporter.onEvent({ type: 'phase', phase: 'transfer' })
    for (let index = 0; index < 1000; index += 1) {
      reporter.onEvent({ type: 'image-finished', image: `${A}${index}`, state: 'copied' })
      vi.advanceTimersByTime(1)
    }

    expect(screen.writes.length).toBeLessThanOrEqual(10)
  })

  it('leaves nothing but the lines that stay, also those not drawn yet', () => {
    const screen = new Screen()
    const reporter = createLiveReporter({ output: screen, level: 'info', style: STYLE, now })
    reporter.onEvent({ type: 'phase', phase: 'collect' })
    vi.advanceTimersByTime(100)
    reporter.onEvent({ type: 'image-finished', image: A, state: 'copied' })

    reporter[Symbol.dispose]()
    reporter.onEvent({ type: 'phase', phase: 'transfer' })
    vi.advanceTimersByTime(1000)

    expect(screen.lines).toEqual(['copied mirror.example/a:1'])
  })

  it('leaves the screen to others while paused, twice at once too', () => {
    const screen = new Screen()
    using reporter = createLiveReporter({ output: screen, level: 'info', style: STYLE, now })
    reporter.onEvent({ type: 'phase', phase: 'collect' })
    vi.advanceTimersByTime(100)

    const [first, second] = [reporter.pause(), reporter.pause()]
    first[Symbol.dispose]()
    reporter.onEvent({ type: 'phase', phase: 'plan' })
    vi.advanceTimersByTime(1000)
    expect(screen.lines).toEqual([])
    second[Symbol.dispose]()
    vi.advanceTimersByTime(100)

    expect(screen.lines).toEqual(['planning'])
  })

  it('erases what a narrower terminal has wrapped', () => {
    const screen = new Screen()
    using reporter = createLiveReporter({ output: screen, level: 'info', style: STYLE, now })
    reporter.onEvent({ type: 'phase', phase: 'transfer' })
    vi.advanceTimersByTime(100)

    screen.columns = 30
    reporter.onEvent({ type: 'image-started', image: A, origin: A, bytes: 1 })
    vi.advanceTimersByTime(100)

    expect(screen.writes.at(-1)?.startsWith(`${CSI}4A\r${CSI}J`)).toBe(true)
  })
})

describe('the line reporter', () => {
  it('writes a line of progress every ten seconds while blobs move', () => {
    const screen = new Screen()
    using reporter = createLineReporter({ output: screen, level: 'info', style: STYLE, now })

    reporter.onEvent({ type: 'phase', phase: 'transfer' })
    reporter.onEvent({ type: 'planned', totals: TOTALS, blocked: 0, unresolved: 0 })
    for (const received of [0, 10, 20, 30]) {
      vi.advanceTimersByTime(5000)
      reporter.onEvent({ type: 'blob-progress', image: A, digest: 'x', received, size: 100 })
    }

    expect(screen.lines).toMatchInlineSnapshot(`
      [
        "copying images",
        "plan: 1 image, 0 there already, 100 B to fetch, 0 B to mount, 0 B there already",
        "images 0 of 1, fetched 10 B, mounted 0 B, there already 0 B, 90 B to go",
        "images 0 of 1, fetched 30 B, mounted 0 B, there already 0 B, 70 B to go, 2 B/s, 35.0s left",
      ]
    `)
  })

  it('is silent but for failures at level error', () => {
    const screen = new Screen()
    using reporter = createLineReporter({ output: screen, level: 'error', style: STYLE, now })

    reporter.onEvent({ type: 'phase', phase: 'transfer' })
    reporter.onEvent({ type: 'warning', message: 'x' })
    vi.advanceTimersByTime(60_000)
    reporter.onEvent({
      type: 'image-failed',
      failure: { kind: 'generic', origin: 'q.io/a:1', side: 'source', code: 'TIMEOUT', message: 'no answer' },
    })

    expect(screen.lines).toEqual(['failed q.io/a:1', '  source [TIMEOUT]: no answer'])
  })
})

describe('the JSON reporter', () => {
  it('writes one document for each event, with its time', () => {
    const screen = new Screen()
    using reporter = createJsonReporter(screen, now)

    reporter.onEvent({ type: 'warning', message: 'two\nlines' })

    expect(screen.lines).toEqual(['{"time":"1970-01-01T00:00:00.000Z","type":"warning","message":"two\\nlines"}'])
  })

  it.each([
    [
      new AirliftError('TIMEOUT', 'no answer', { hint: 'wait' }),
      { code: 'TIMEOUT', message: 'no answer', hint: 'wait' },
    ],
    [new TypeError('x is not a function'), { code: 'UNEXPECTED', message: 'x is not a function' }],
  ])('describes %s', (error, expected) => {
    expect(errorRecord(error)).toEqual({ type: 'error', ...expected })
  })
})
