/** The lines that a terminal redraws while a run goes on. Pure; no line is wider than the terminal. */
import { formatBytes, formatDuration } from '../../base/units.ts'
import { PHASES } from './event-line.ts'
import type { Progress, RunningImage } from './progress.ts'
import type { Style } from './style.ts'
import { fit, shortName } from './text.ts'

export interface ProgressView {
  readonly columns: number
  readonly rows: number
  readonly style: Style
  /** Bytes a second. */
  readonly rate: number | undefined
}

export function progressLines(progress: Progress, view: ProgressView): string[] {
  const { phase } = progress
  if (phase === undefined) return []
  // One column stays free: a full line would wrap in some terminals.
  const width = Math.max(view.columns - 1, 10)
  if (phase !== 'transfer') return [fit(phaseText(progress, phase), width)]
  const running = [...progress.running].map(([id, image]) => imageLine(id, image, width))
  const room = Math.max(view.rows - 4, 1)
  const hidden = running.length - room
  return [
    overallLine(progress, view, width),
    countsText(progress).slice(0, width),
    ...running.slice(0, room),
    ...(hidden > 0 ? [fit(`  and ${hidden} more`, width)] : []),
  ]
}

function phaseText({ collected, toCollect }: Progress, phase: keyof typeof PHASES): string {
  const counted = phase === 'collect' && toCollect > 0 ? `  ${collected} of ${toCollect}` : ''
  return `${PHASES[phase]}${counted}`
}

function overallLine(progress: Progress, { style, rate }: ProgressView, width: number): string {
  const total = Math.max(progress.toFetch, progress.fetched)
  const left = total - progress.fetched
  const figures = [
    percent(progress.fetched, total),
    `${formatBytes(progress.fetched)} of ${formatBytes(total)}`,
    ...(rate === undefined ? [] : [`${formatBytes(Math.round(rate))}/s`]),
    ...(rate === undefined || rate === 0 || left === 0 ? [] : [`${formatDuration((left / rate) * 1000)} left`]),
  ].join('  ')
  const bar = Math.min(width - figures.length - 2, 40)
  if (bar < 8) return fit(figures, width)
  const full = total === 0 ? bar : Math.floor((bar * progress.fetched) / total)
  return `${style.good(style.bar.full.repeat(full))}${style.dim(style.bar.empty.repeat(bar - full))}  ${style.bold(figures)}`
}

/** `images 34 of 120, 1 failed, fetched 1.2 GiB, mounted 300.0 MiB, there already 44.0 MiB`. */
export function countsText(progress: Progress): string {
  const { copied, present, failed, images, fetched, mounted, found } = progress
  return [
    `images ${copied + present + failed} of ${images}`,
    ...(failed > 0 ? [`${failed} failed`] : []),
    `fetched ${formatBytes(fetched)}`,
    `mounted ${formatBytes(mounted)}`,
    `there already ${formatBytes(found)}`,
  ].join(', ')
}

function imageLine(id: string, { done, total }: RunningImage, width: number): string {
  const share = `${percent(done, total)}  ${formatBytes(total).padStart(10)}`
  const name = width - share.length - 4
  return name < 12 ? fit(`  ${id}`, width) : `  ${fit(shortName(id), name).padEnd(name)}  ${share}`
}

function percent(part: number, whole: number): string {
  const share = whole === 0 ? 100 : Math.floor((100 * Math.min(part, whole)) / whole)
  return `${String(share).padStart(3)} %`
}
