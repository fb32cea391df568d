/** What a failed run says on stderr, and the exit codes that are not of its result. */
import { isAirliftError, messageOf } from '../base/errors.ts'
import { safeText } from './render/text.ts'
import type { Style } from './render/style.ts'

export const EXIT = { failed: 1, interrupted: 130 } as const

/** One line and its hint for what a user can mend; all there is to know for our own mistakes. */
export function renderError(error: unknown, style: Style): string {
  if (isAirliftError(error)) {
    const hint = error.hint === undefined ? '' : `hint: ${safeText(error.hint)}\n`
    return `${style.bad('error')} [${error.code}]: ${safeText(messageOf(error))}\n${hint}`
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return `${style.bad('error')}: this is a mistake in airlift, please report it with what follows\n${safeText(stack)}\n`
}

export function renderInterrupted(): string {
  return 'interrupted: run the same command again to go on where it stopped\n'
}
