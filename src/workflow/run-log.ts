/**
 * The run's log file: the events of the run as lines, as the log level has them.
 *
 * Spec: the line format of `oc-mirror` v2, without its colours.
 */
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { diskFailed } from '../base/disk-failed.ts'
import type { EventSink, TransferEvent } from '../transfer/events.ts'
import type { LogLevel } from './mirror-options.ts'

const RANK: Readonly<Record<LogLevel | 'warn', number>> = { error: 0, warn: 1, info: 1, debug: 2, trace: 3 }

interface LogLine {
  readonly level: LogLevel | 'warn'
  readonly text: string
}

export interface RunLog extends Disposable {
  readonly onEvent: EventSink
}

/**
 * Lines are written at once: what happened before a kill is in the file.
 *
 * @throws {AirliftError} `DISK_FAILED`, as does `onEvent`.
 */
export function openRunLog(file: string, level: LogLevel, now: () => Date): RunLog {
  const write = <T>(step: () => T): T => {
    try {
      return step()
    } catch (error) {
      throw diskFailed(`writing the log ${file}`, error)
    }
  }
  write(() => mkdirSync(dirname(file), { recursive: true }))
  const fd = write(() => openSync(file, 'a', 0o644))
  return {
    onEvent: (event) => {
      const line = logLine(event)
      if (line === undefined || RANK[line.level] > RANK[level]) return
      const text = `${stamp(now())} [${line.level.toUpperCase()}] : ${line.text.replaceAll(/\p{Cc}+/gu, ' ')}\n`
      write(() => writeSync(fd, text))
    },
    [Symbol.dispose]: () => closeSync(fd),
  }
}

function stamp(time: Date): string {
  return time.toISOString().slice(0, 19).replace('T', ' ').replaceAll('-', '/')
}

function logLine(event: TransferEvent): LogLine | undefined {
  switch (event.type) {
    case 'phase':
      return { level: 'info', text: `${event.phase} …` }
    case 'warning':
      return { level: 'warn', text: event.image === undefined ? event.message : `${event.image}: ${event.message}` }
    case 'image-collected':
      return { level: 'debug', text: `resolved ${event.origin} (${event.done} of ${event.total})` }
    case 'planned':
      return {
        level: 'info',
        text: `${event.totals.images} images, ${event.totals.bytes.toFetch} bytes to fetch, ${event.blocked} blocked`,
      }
    case 'archive-planned':
      return {
        level: 'info',
        text: `${event.volumes.length} volumes of ${event.bytes} bytes in ${event.directory}, ${event.freeBytes} bytes are free`,
      }
    case 'image-started':
      return { level: 'debug', text: `copying ${event.origin} to ${event.image}` }
    case 'blob-started':
      return { level: 'trace', text: `fetching ${event.digest} (${event.size} bytes) for ${event.image}` }
    case 'blob-progress':
      return undefined
    case 'blob-finished':
      return { level: 'trace', text: `fetched ${event.digest}` }
    case 'blob-skipped':
      return { level: 'trace', text: `${event.digest} ${event.reason} for ${event.image}` }
    case 'mount-refused':
      return { level: 'debug', text: `the target does not mount ${event.digest} for ${event.image}` }
    case 'manifest-finished':
      return {
        level: 'trace',
        text: `pushed ${event.digest}${event.tag === undefined ? '' : ` as ${event.tag}`} to ${event.image}`,
      }
    case 'retry':
      return {
        level: 'warn',
        text: `${event.image}: attempt ${event.attempt} failed, next in ${event.waitMs} ms: ${event.message}`,
      }
    case 'image-finished':
      return { level: 'info', text: `${event.state === 'present' ? 'already there:' : 'copied'} ${event.image}` }
    case 'image-failed':
      return { level: 'error', text: `[${event.failure.code}] ${event.failure.origin}: ${event.failure.message}` }
    case 'file-written':
      return { level: 'info', text: `${event.path} written: ${event.what}` }
    case 'run-finished':
      return {
        level: 'info',
        text: `finished in ${event.durationMs} ms: ${event.images} images, ${event.failed} failed, exit code ${event.exitCode}`,
      }
  }
}
