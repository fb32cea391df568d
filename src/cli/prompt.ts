/**
 * Asks the person at the terminal for the credentials of a registry.
 *
 * One question at a time: two registries may refuse at once. What is typed stays
 * in memory.
 */
import type { Readable, Writable } from 'node:stream'
import type { RunContext } from '../workflow/mirror-options.ts'
import { safeLine } from './render/text.ts'

type AskCredentials = NonNullable<RunContext['askCredentials']>

export interface PromptOptions {
  readonly input: Readable
  readonly output: Writable
  readonly signal: AbortSignal
}

/** The answer is `undefined` when the person gives none. */
export function createPrompt(options: PromptOptions): AskCredentials {
  let last: Promise<unknown> = Promise.resolve()
  return (registry, side) => {
    const answer = last.then(() => ask(registry, side, options))
    last = answer.catch(() => undefined)
    return answer
  }
}

async function ask(registry: string, side: 'source' | 'target', options: PromptOptions): ReturnType<AskCredentials> {
  const { isCancel, password, text } = await import('@clack/prompts')
  const username = await text({ ...options, message: `User name for the ${side} registry ${safeLine(registry)}` })
  if (isCancel(username) || username === undefined || username === '') return undefined
  const secret = await password({ ...options, message: 'Password' })
  if (isCancel(secret) || secret === undefined) return undefined
  return { username, password: secret }
}
