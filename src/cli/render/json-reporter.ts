/** One JSON document for each line on stdout, for programs; `docs/commands.md` documents each. */
import { isAirliftError, messageOf } from '../../base/errors.ts'
import type { Plan } from '../../plan/plan-types.ts'
import type { TransferEvent } from '../../transfer/events.ts'
import type { Output, Reporter } from './reporter.ts'

/** What stands in the output besides the events of a run. */
export type OutputRecord =
  | TransferEvent
  | { readonly type: 'plan'; readonly plan: Plan }
  | { readonly type: 'error'; readonly code: string; readonly message: string; readonly hint?: string }

export function createJsonReporter(output: Output, now: () => Date): Reporter {
  return {
    onEvent: (event) => writeRecord(output, event, now()),
    pause: () => ({ [Symbol.dispose]: () => {} }),
    [Symbol.dispose]: () => {},
  }
}

export function writeRecord(output: Output, record: OutputRecord, time: Date): void {
  output.write(`${JSON.stringify({ time: time.toISOString(), ...record }, plainErrors)}\n`)
}

/** The last line of a run that ends without a result. */
export function errorRecord(error: unknown): OutputRecord {
  const known = isAirliftError(error) ? error : undefined
  return {
    type: 'error',
    code: known?.code ?? 'UNEXPECTED',
    message: messageOf(error),
    ...(known?.hint !== undefined && { hint: known.hint }),
  }
}

function plainErrors(_key: string, value: unknown): unknown {
  if (!isAirliftError(value)) return value
  const { code, message, hint } = value
  return { code, message, ...(hint !== undefined && { hint }) }
}
