/** What a run came to: counts and bytes, every failure with what to do, and where the files are. Pure. */
import { formatBytes, formatDuration, plural } from '../../base/units.ts'
import type { Outcome, Plan, PlannedImage } from '../../plan/plan-types.ts'
import type { RunResult } from '../../workflow/run-result.ts'
import { failureText } from './event-line.ts'
import type { Style } from './style.ts'
import { safeLine, tableLines } from './text.ts'

export interface SummaryInput {
  readonly plan: Plan
  readonly outcome: Outcome
  /** Of a run that writes an archive. */
  readonly volumes?: RunResult['volumes']
  readonly files: readonly string[]
  readonly durationMs: number
}

export function renderSummary({ plan, outcome, volumes, files, durationMs }: SummaryInput, style: Style): string {
  const [title = '', ...rows] = countTable(plan, outcome)
  return [
    style.bold(title),
    ...rows,
    '',
    transferText(outcome, durationMs),
    ...(outcome.failures.length === 0 ? [] : ['', ...outcome.failures.map((failure) => failureText(failure, style))]),
    ...(volumes === undefined ? [] : ['', ...volumeLines(volumes, outcome, style)]),
    ...(files.length === 0 ? [] : ['', 'files:', ...files.map((path) => `  ${safeLine(path)}`)]),
    '',
  ].join('\n')
}

/** What a person has to carry now. */
function volumeLines(volumes: NonNullable<RunResult['volumes']>, { failures }: Outcome, style: Style): string[] {
  if (volumes.length === 0) return [`${failures.length === 0 ? 'nothing new: ' : ''}no volume was written`]
  const size = formatBytes(volumes.reduce((sum, volume) => sum + volume.size, 0))
  const title =
    volumes.length === 1 ? `carry this new volume, ${size}:` : `carry these ${volumes.length} new volumes, ${size}:`
  return [style.bold(title), ...volumes.map(({ path }) => `  ${safeLine(path)}`)]
}

function countTable(plan: Plan, { copied, failures, notStarted }: Outcome): string[] {
  const present = copied.filter(({ state }) => state === 'present')
  const failedIds = new Set(failures.map(({ target }) => target))
  const rows: readonly (readonly [string, number, number | undefined])[] = [
    ['copied', copied.length - present.length, total(copied) - total(present)],
    ['there already', present.length, total(present)],
    ['blocked', plan.blocked.length, undefined],
    ['failed', failures.length, total(plan.images.filter(({ id }) => failedIds.has(id)))],
    ['not started', notStarted.length, total(notStarted)],
  ]
  return tableLines(
    [
      { title: '', align: 'left' },
      { title: 'IMAGES', align: 'right' },
      { title: 'BYTES', align: 'right' },
    ],
    rows.map(([name, count, bytes]) => [name, String(count), bytes === undefined ? '-' : formatBytes(bytes)]),
  )
}

function total(images: readonly PlannedImage[]): number {
  return images.reduce((sum, { bytes }) => sum + bytes.total, 0)
}

function transferText({ counts }: Outcome, durationMs: number): string {
  const { blobsFetched, bytesFetched, blobsMounted, blobsPresent, mountsRefused, manifestsPushed, retries } = counts
  const hasRate = durationMs > 0 && bytesFetched > 0
  const rate = hasRate ? ` (${formatBytes(Math.round((bytesFetched * 1000) / durationMs))}/s)` : ''
  return [
    `${plural(blobsFetched, 'blob')} fetched, ${formatBytes(bytesFetched)} in ${formatDuration(durationMs)}${rate}`,
    `${blobsMounted} mounted`,
    `${blobsPresent} there already`,
    `${plural(manifestsPushed, 'manifest')} pushed`,
    ...(mountsRefused > 0 ? [`${plural(mountsRefused, 'mount')} refused, each fetched again`] : []),
    ...(retries > 0 ? [retries === 1 ? '1 retry' : `${retries} retries`] : []),
  ].join(', ')
}
