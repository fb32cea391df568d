/**
 * From the words of a command line to the values of flags.
 *
 * Accepts what Go's flag packages accept: `--flag=value`, `-c=value`, `--bool=false`,
 * and durations such as `1h30m`. Pure.
 */
import { AirliftError } from '../base/errors.ts'
import type { Flag } from './flag.ts'

/** Durations in milliseconds; a list for a flag that may be repeated. */
export type FlagValue = string | number | boolean | readonly string[]

/** By name of the flag, as in the table. */
export type FlagValues = Readonly<Record<string, FlagValue | undefined>>

/**
 * Rewrites what the parser does not read in the form of Go: `--bool=false` becomes `--no-bool`, `--bool=true` becomes
 * `--bool`, and `-c=x` becomes `-c x`. Words after `--` stay.
 */
export function normalizeArguments(words: readonly string[], flags: readonly Flag[]): string[] {
  const end = words.indexOf('--')
  const options = end < 0 ? words : words.slice(0, end)
  return [...options.flatMap((word) => normalizeWord(word, flags)), ...words.slice(options.length)]
}

function normalizeWord(word: string, flags: readonly Flag[]): string[] {
  const match = /^(?<dashes>--?)(?<name>[A-Za-z][A-Za-z0-9.-]{0,63})=(?<value>[\s\S]*)$/.exec(word)
  const { dashes, name, value = '' } = match?.groups ?? {}
  const flag = flags.find((entry) => (dashes === '--' ? entry.name === name : entry.short === name))
  if (flag === undefined) return [word]
  if (flag.type === 'boolean') return [`--${parseBoolean(flag, value) ? '' : 'no-'}${flag.name}`]
  return dashes === '-' ? [`-${name}`, value] : [word]
}

/** What a flag's text means; a string for all that has no other form. */
export function parseFlagValue(flag: Flag, text: string): string | number {
  switch (flag.type) {
    case 'integer':
      if (!/^\d{1,9}$/.test(text)) throw invalidValue(flag, text, 'give a whole number, 0 or more')
      return Number(text)
    case 'duration':
      return parseDuration(flag, text)
    case 'boolean':
    case 'string':
    case 'file':
    case 'directory':
    case 'url':
      return text
  }
}

function parseBoolean(flag: Flag, text: string): boolean {
  if (/^(?:1|t|T|true|TRUE|True)$/.test(text)) return true
  if (/^(?:0|f|F|false|FALSE|False)$/.test(text)) return false
  throw invalidValue(flag, text, 'give true or false')
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

function parseDuration(flag: Flag, text: string): number {
  if (text === '0') return 0
  if (!/^(?:\d{1,9}(?:\.\d{1,9})?(?:ms|s|m|h)){1,8}$/.test(text)) {
    throw invalidValue(flag, text, 'give a duration such as 90s, 10m or 1h30m')
  }
  const parts = text.matchAll(/(?<amount>[\d.]+)(?<unit>ms|s|m|h)/g)
  const ms = [...parts].map(({ groups = {} }) => Number(groups['amount']) * (UNIT_MS[groups['unit'] ?? ''] ?? 0))
  return Math.round(ms.reduce((sum, part) => sum + part, 0))
}

function invalidValue(flag: Flag, text: string, hint: string): AirliftError {
  const short = flag.short === undefined ? '' : `-${flag.short}, `
  return new AirliftError(
    'FLAG_INVALID',
    `invalid argument ${JSON.stringify(text.slice(0, 100))} for "${short}--${flag.name}" flag`,
    { hint },
  )
}
