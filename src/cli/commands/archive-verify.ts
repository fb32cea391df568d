/** `archive verify`: reads every byte of the volumes; exit code 1 where something is damaged. */
import type { VerifyEvent, VerifyResult } from '../../archive/verify-archive.ts'
import { formatBytes } from '../../base/units.ts'
import type { CliContext } from '../cli-context.ts'
import type { FlagValues } from '../flag-values.ts'
import { hasDamage, renderDamaged, renderVerified } from '../render/archive-verified.ts'
import { styleFor } from '../render/style.ts'
import { EXIT } from '../report-error.ts'
import { directoriesOf } from './archive-list.ts'

const REPORT_EVERY_MS = 200

/** @returns the exit code. */
export async function runArchiveVerify(
  words: readonly string[],
  values: FlagValues,
  context: CliContext,
): Promise<number> {
  const directories = directoriesOf(words, context)
  const { verifyArchive } = await import('../../archive/verify-archive.ts')
  const startMs = context.now().getTime()
  const isJson = values['output'] === 'json'
  const progress = isJson ? jsonProgress(context) : textProgress(context)
  const result = await verifyArchive(directories, { signal: context.signal, onEvent: progress.onEvent })
  progress.end()
  const durationMs = context.now().getTime() - startMs
  if (isJson) writeLine(context, { type: 'verify-finished', ...result, durationMs })
  else
    context.stdout.write(
      renderVerified(result, { style: styleFor(context.stdout.isTTY ?? false, context.env), durationMs }),
    )
  return hasDamage(result) ? EXIT.failed : 0
}

interface Progress {
  readonly onEvent: (event: VerifyEvent) => void
  readonly end: () => void
}

function jsonProgress(context: CliContext): Progress {
  const isDue = throttle(context)
  return {
    onEvent: (event) => {
      if (event.type !== 'verify-progress' || isDue()) writeLine(context, event)
    },
    end: () => {},
  }
}

function textProgress({ stderr, env, now }: CliContext): Progress {
  const style = styleFor(stderr.isTTY ?? false, env)
  const isDue = throttle({ now })
  const startMs = now().getTime()
  const erase = stderr.isTTY === true ? '\r\u001B[K' : ''
  return {
    onEvent: (event) => {
      if (event.type === 'entry-damaged') stderr.write(`${erase}${renderDamaged(event.entry, style)}\n`)
      else if (stderr.isTTY === true && isDue()) {
        const seconds = Math.max(now().getTime() - startMs, 1) / 1000
        const percent = Math.floor((event.bytes * 100) / Math.max(event.total, 1))
        const rate = formatBytes(Math.round(event.bytes / seconds))
        stderr.write(`${erase}${percent}%  ${formatBytes(event.bytes)} of ${formatBytes(event.total)}  ${rate}/s`)
      }
    },
    end: () => void stderr.write(erase),
  }
}

function throttle({ now }: Pick<CliContext, 'now'>): () => boolean {
  let lastMs = 0
  return () => {
    const nowMs = now().getTime()
    if (nowMs - lastMs < REPORT_EVERY_MS) return false
    lastMs = nowMs
    return true
  }
}

function writeLine(
  { stdout, now }: CliContext,
  record: VerifyEvent | ({ readonly type: 'verify-finished'; readonly durationMs: number } & VerifyResult),
): void {
  stdout.write(`${JSON.stringify({ time: now().toISOString(), ...record })}\n`)
}
