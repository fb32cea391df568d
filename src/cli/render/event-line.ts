/** Events as lines for people: on a screen above the progress display, in the output of a job, in a log. Pure. */
import { formatBytes, formatDuration, plural } from '../../base/units.ts'
import type { ImageFailure } from '../../plan/plan-types.ts'
import type { TransferEvent } from '../../transfer/events.ts'
import type { LogLevel } from '../../workflow/mirror-options.ts'
import type { Style } from './style.ts'
import { safeLine, safeText, shortName } from './text.ts'

export interface EventLine {
  /** The least talkative level that shows it. */
  readonly level: LogLevel
  readonly text: string
}

const VERBOSITY: readonly LogLevel[] = ['error', 'info', 'debug', 'trace']

/** Whether a run at `level` shows a line of level `line`. */
export function shows(level: LogLevel, line: LogLevel): boolean {
  return VERBOSITY.indexOf(line) <= VERBOSITY.indexOf(level)
}

/** What each phase of a run does. */
export const PHASES: Readonly<Record<Extract<TransferEvent, { type: 'phase' }>['phase'], string>> = {
  check: 'checking access to the registries',
  collect: 'finding images',
  plan: 'planning',
  transfer: 'copying images',
  close: 'finishing the archive',
  resources: 'writing cluster resources',
}

export function eventLine(event: TransferEvent, style: Style): EventLine {
  switch (event.type) {
    case 'phase':
      return { level: 'info', text: PHASES[event.phase] }
    case 'warning': {
      const image = event.image === undefined ? '' : ` (${safeLine(event.image)})`
      return { level: 'info', text: `${style.warn('warning:')} ${safeText(event.message)}${image}` }
    }
    case 'image-collected':
      return { level: 'debug', text: `found ${safeLine(event.origin)} (${event.done} of ${event.total})` }
    case 'planned':
      return { level: 'info', text: plannedText(event) }
    case 'archive-planned':
      return { level: 'info', text: archiveText(event) }
    case 'image-started':
      return { level: 'debug', text: `copying ${safeLine(event.origin)}, ${formatBytes(event.bytes)}` }
    case 'blob-started':
      return { level: 'debug', text: `fetching ${blobText(event)}` }
    case 'blob-progress':
      return { level: 'trace', text: `received ${formatBytes(event.received)} of ${blobText(event)}` }
    case 'blob-finished':
      return { level: 'debug', text: `fetched ${blobText(event)}` }
    case 'blob-skipped':
      return { level: 'debug', text: `${event.reason === 'mounted' ? 'mounted' : 'there already:'} ${blobText(event)}` }
    case 'mount-refused':
      return { level: 'debug', text: `mount refused: ${safeLine(event.digest)} of ${safeLine(event.image)}` }
    case 'manifest-finished':
      return { level: 'debug', text: `pushed manifest ${safeLine(event.digest)} of ${safeLine(event.image)}` }
    case 'retry':
      return { level: 'info', text: `${style.warn('retry')} ${retryText(event)}` }
    case 'image-finished':
      return event.state === 'copied'
        ? { level: 'info', text: `${style.good('copied')} ${shortName(event.image)}` }
        : { level: 'debug', text: `there already: ${shortName(event.image)}` }
    case 'image-failed':
      return { level: 'error', text: failureText(event.failure, style) }
    case 'file-written':
      return { level: 'debug', text: `wrote ${safeLine(event.path)} (${safeLine(event.what)})` }
    case 'run-finished':
      return { level: 'debug', text: `finished in ${formatDuration(event.durationMs)}, exit code ${event.exitCode}` }
  }
}

function plannedText({ totals, blocked, unresolved }: Extract<TransferEvent, { type: 'planned' }>): string {
  const { toFetch, mounted, present } = totals.bytes
  return [
    `plan: ${plural(totals.images, 'image')}, ${totals.present} there already`,
    `${formatBytes(toFetch)} to fetch`,
    `${formatBytes(mounted)} to mount`,
    `${formatBytes(present)} there already`,
    ...(blocked > 0 ? [`${plural(blocked, 'image')} blocked`] : []),
    ...(unresolved > 0 ? [`${plural(unresolved, 'image')} unresolved`] : []),
  ].join(', ')
}

function archiveText({
  directory,
  volumes,
  bytes,
  freeBytes,
}: Extract<TransferEvent, { type: 'archive-planned' }>): string {
  const names = volumes.length < 2 ? volumes : [volumes[0], volumes.at(-1)]
  return [
    `archive: ${plural(volumes.length, 'volume')} (${names.map((volume) => safeLine(volume?.name ?? '')).join(' to ')})`,
    `${formatBytes(bytes)} in ${safeLine(directory)}`,
    `${formatBytes(freeBytes)} free`,
  ].join(', ')
}

function blobText({
  digest,
  size,
  image,
}: {
  readonly digest: string
  readonly size: number
  readonly image: string
}): string {
  return `${safeLine(digest)}, ${formatBytes(size)}, of ${safeLine(image)}`
}

function retryText({ image, attempt, waitMs, message }: Extract<TransferEvent, { type: 'retry' }>): string {
  return `${attempt} of ${safeLine(image)} in ${formatDuration(waitMs)}: ${safeText(message)}`
}

/** Which image, which side, why, and what to do now. */
export function failureText({ origin, target, side, code, message, hint }: ImageFailure, style: Style): string {
  const image = target === undefined ? safeLine(origin) : `${safeLine(origin)} ${style.arrow} ${safeLine(target)}`
  const reason = `\n  ${side} [${code}]: ${safeText(message)}`
  return `${style.bad('failed')} ${image}${reason}${hint === undefined ? '' : `\n  hint: ${safeText(hint)}`}`
}
