/**
 * Character sets and escapes of Go regular expressions, read into bodies of JavaScript classes. Pure.
 *
 * Every character goes out as `\u{…}`, so that nothing of a pattern reaches a JavaScript expression as it stands.
 * A reader gets the pattern and the place where its part begins, and says where it ends.
 */
import { regexpError } from './go-regexp-error.ts'

/** Part of a set: a JavaScript class body, or all but it. Kept apart, since case is folded before negation. */
export interface ClassItem {
  readonly body: string
  readonly negated: boolean
}

const PERL: Readonly<Record<string, string>> = { d: '0-9', s: '\\t\\n\\f\\r\\x20', w: '0-9A-Za-z_' }
const POSIX: Readonly<Record<string, string>> = {
  alnum: '0-9A-Za-z',
  alpha: 'A-Za-z',
  ascii: '\\0-\\x7f',
  blank: '\\t\\x20',
  cntrl: '\\0-\\x1f\\x7f',
  digit: '0-9',
  graph: '\\x21-\\x7e',
  lower: 'a-z',
  print: '\\x20-\\x7e',
  punct: '\\x21-\\x2f\\x3a-\\x40\\x5b-\\x60\\x7b-\\x7e',
  space: '\\x09-\\x0d\\x20',
  upper: 'A-Z',
  word: '0-9A-Za-z_',
  xdigit: '0-9A-Fa-f',
}
const CONTROL: Readonly<Record<string, number>> = { a: 7, f: 12, n: 10, r: 13, t: 9, v: 11 }

interface ReadItem {
  readonly item: ClassItem
  readonly end: number
}

/** `[…]` at `start`. */
export function readClass(
  pattern: string,
  start: number,
): { readonly items: readonly ClassItem[]; readonly negated: boolean; readonly end: number } {
  const negated = pattern[start + 1] === '^'
  const first = start + (negated ? 2 : 1)
  let at = first
  const items: ClassItem[] = []
  while (at === first || pattern[at] !== ']') {
    if (at >= pattern.length) throw regexpError('missing closing ]', pattern.slice(start))
    const set = readPosix(pattern, at) ?? readClassEscape(pattern, at)
    if (set !== undefined) {
      items.push(set.item)
      at = set.end
      continue
    }
    const low = readMember(pattern, at, start)
    const isRange = pattern[low.end] === '-' && low.end + 1 < pattern.length && pattern[low.end + 1] !== ']'
    const high = isRange ? readMember(pattern, low.end + 1, start) : low
    if (high.codePoint < low.codePoint) {
      throw regexpError('invalid character class range', pattern.slice(at, high.end))
    }
    items.push({ body: `${hex(low.codePoint)}-${hex(high.codePoint)}`, negated: false })
    at = high.end
  }
  return { items, negated, end: at + 1 }
}

/** `\d`, `\W`, `\pL`, `\P{Greek}`; `undefined` where another escape, or none, stands at `start`. */
export function readClassEscape(pattern: string, start: number): ReadItem | undefined {
  if (pattern[start] !== '\\') return undefined
  const letter = pattern[start + 1] ?? ''
  const perl = PERL[letter.toLowerCase()]
  if (perl !== undefined) return { item: { body: perl, negated: letter !== letter.toLowerCase() }, end: start + 2 }
  if (letter !== 'p' && letter !== 'P') return undefined
  const match = /^(?:\{(?<caret>\^?)(?<long>[^}]*)\}|(?<short>[^{]))/su.exec(pattern.slice(start + 2))
  if (match === null) throw regexpError('invalid character class range', pattern.slice(start))
  const end = start + 2 + match[0].length
  const name = match.groups?.['long'] ?? match.groups?.['short'] ?? ''
  const negated = (letter === 'P') !== (match.groups?.['caret'] === '^')
  const property = [name, `Script=${name}`].find((candidate) => /^\w+$/.test(name) && isProperty(candidate))
  if (property === undefined) throw regexpError('invalid character class range', pattern.slice(start, end))
  return { item: { body: `\\p{${property}}`, negated }, end }
}

/** An escape that stands for one character; `pattern[start]` is the backslash. */
export function readEscape(pattern: string, start: number): { readonly codePoint: number; readonly end: number } {
  if (start + 1 >= pattern.length) throw regexpError('trailing backslash at end of expression', '')
  const rest = pattern.slice(start, start + 16)
  const octal = /^\\(?:0[0-7]{0,2}|[1-7][0-7]{1,2})/.exec(rest)?.[0]
  if (octal !== undefined) return { codePoint: Number.parseInt(octal.slice(1), 8), end: start + octal.length }
  const code = /^\\x(?:\{(?<long>[0-9A-Fa-f]{1,8})\}|(?<short>[0-9A-Fa-f]{2}))/.exec(rest)
  const codePoint = Number.parseInt(code?.groups?.['long'] ?? code?.groups?.['short'] ?? 'none', 16)
  if (code !== null && codePoint <= 0x10ffff) return { codePoint, end: start + code[0].length }
  const control = CONTROL[pattern[start + 1] ?? '']
  if (control !== undefined) return { codePoint: control, end: start + 2 }
  if (/^\\[!-/:-@[-`{-~]/.test(rest)) return { codePoint: rest.charCodeAt(1), end: start + 2 }
  throw regexpError('invalid escape sequence', /^\\(?:x\{?[0-9A-Fa-f]*|.)/su.exec(rest)?.[0] ?? rest)
}

function readPosix(pattern: string, start: number): ReadItem | undefined {
  const match = /^\[:(?<caret>\^?)(?<name>[^\]]*?):\]/.exec(pattern.slice(start, start + 32))
  if (match === null) return undefined
  const body = POSIX[match.groups?.['name'] ?? '']
  if (body === undefined) throw regexpError('invalid character class range', match[0])
  return { item: { body, negated: match.groups?.['caret'] === '^' }, end: start + match[0].length }
}

function readMember(pattern: string, at: number, start: number): { readonly codePoint: number; readonly end: number } {
  const codePoint = pattern.codePointAt(at)
  if (codePoint === undefined) throw regexpError('missing closing ]', pattern.slice(start))
  if (codePoint === 0x5c) return readEscape(pattern, at)
  return { codePoint, end: at + (codePoint > 0xffff ? 2 : 1) }
}

function hex(codePoint: number): string {
  return `\\u{${codePoint.toString(16)}}`
}

function isProperty(name: string): boolean {
  try {
    return new RegExp(`\\p{${name}}`, 'u').unicode
  } catch (error) {
    if (error instanceof SyntaxError) return false
    throw error
  }
}
