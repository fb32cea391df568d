/**
 * The syntax of Go regular expressions: pattern in, tree out. Pure.
 *
 * Errors are worded as Go's `regexp/syntax` words them, since users search for those words. Nothing that Go refuses
 * (lookaround, back-references, repeats above 1000) is accepted.
 *
 * Syntax: https://github.com/google/re2/wiki/Syntax, flags "Perl" of https://pkg.go.dev/regexp/syntax@go1.24.0
 */
import { readClass, readClassEscape, readEscape } from './go-regexp-class.ts'
import type { ClassItem } from './go-regexp-class.ts'
import { regexpError } from './go-regexp-error.ts'

export type Assertion = 'text-start' | 'text-end' | 'line-start' | 'line-end' | 'word' | 'not-word'

export type RegexpNode =
  /** One character that any item takes, or that none takes. */
  | {
      readonly type: 'class'
      readonly items: readonly ClassItem[]
      readonly negated: boolean
      readonly foldCase: boolean
    }
  | { readonly type: 'assertion'; readonly assertion: Assertion }
  | { readonly type: 'sequence'; readonly items: readonly RegexpNode[] }
  | { readonly type: 'choice'; readonly items: readonly RegexpNode[] }
  | { readonly type: 'repeat'; readonly item: RegexpNode; readonly min: number; readonly max: number }

/** What `(?flags)` can set; greediness changes which match is found, never whether there is one. */
interface Flags {
  readonly foldCase: boolean
  readonly multiLine: boolean
  readonly dotAll: boolean
}

const MAX_REPEAT = 1000
const NEWLINE: ClassItem = { body: '\\n', negated: false }
const MAX_DEPTH = 1000
const ASSERTIONS: Readonly<Record<string, Assertion>> = { A: 'text-start', z: 'text-end', b: 'word', B: 'not-word' }

/** @throws {import('../base/errors.ts').AirliftError} `CONFIG_INVALID`, with Go's words. */
export function parseGoRegexp(pattern: string): RegexpNode {
  return new PatternParser(pattern).parse()
}

class PatternParser {
  readonly #pattern: string
  #at = 0
  #depth = 0
  #flags: Flags = { foldCase: false, multiLine: false, dotAll: false }
  readonly #names = new Set<string>()

  constructor(pattern: string) {
    this.#pattern = pattern
  }

  parse(): RegexpNode {
    if (!this.#pattern.isWellFormed()) throw regexpError('invalid UTF-8', this.#pattern.toWellFormed())
    const node = this.#choice()
    if (this.#at < this.#pattern.length) throw regexpError('unexpected )', this.#pattern)
    if (largestRepeat(node) > MAX_REPEAT) throw regexpError('invalid repeat count', this.#pattern)
    return node
  }

  /** Up to the end of the pattern or an unread `)`. */
  #choice(): RegexpNode {
    this.#depth += 1
    if (this.#depth > MAX_DEPTH) throw regexpError('expression nests too deeply', this.#pattern)
    const sequences: RegexpNode[][] = [[]]
    let previous = ''
    while (this.#at < this.#pattern.length && this.#peek() !== ')') {
      const sequence = sequences.at(-1) ?? []
      const operator = this.#operator()
      if (operator !== undefined) {
        if (previous !== '') throw regexpError('invalid nested repetition operator', `${previous}${operator.text}`)
        const item = sequence.pop()
        if (item === undefined) throw regexpError('missing argument to repetition operator', operator.text)
        sequence.push({ type: 'repeat', item, min: operator.min, max: operator.max })
      } else if (this.#take('|')) sequences.push([])
      else sequence.push(...this.#atom())
      previous = operator?.text ?? ''
    }
    this.#depth -= 1
    return { type: 'choice', items: sequences.map((items) => ({ type: 'sequence', items })) }
  }

  /** `*`, `+`, `?` or `{n,m}`, with the `?` that makes it lazy; a brace of any other form is text. */
  #operator(): { readonly text: string; readonly min: number; readonly max: number } | undefined {
    const match = /(?:[*+?]|\{(?<min>0|[1-9]\d*)(?<comma>,(?<max>0|[1-9]\d*)?)?\})\??/y
    match.lastIndex = this.#at
    const found = match.exec(this.#pattern)
    if (found === null) return undefined
    const [text] = found
    this.#at += text.length
    if (text.startsWith('*')) return { text, min: 0, max: Infinity }
    if (text.startsWith('+')) return { text, min: 1, max: Infinity }
    if (text.startsWith('?')) return { text, min: 0, max: 1 }
    const min = Number(found.groups?.['min'])
    const written = found.groups?.['comma'] === undefined ? String(min) : (found.groups['max'] ?? '')
    const max = written === '' ? Infinity : Number(written)
    const bounded = max === Infinity ? min : max
    if (min > MAX_REPEAT || bounded > MAX_REPEAT || max < min) throw regexpError('invalid repeat count', text)
    return { text, min, max }
  }

  /** One node; none where it only sets flags, several for `\Q…\E`. */
  #atom(): RegexpNode[] {
    const { foldCase, multiLine, dotAll } = this.#flags
    if (this.#pattern.startsWith('(', this.#at)) return this.#group()
    if (this.#pattern.startsWith('[', this.#at)) {
      const found = readClass(this.#pattern, this.#at)
      this.#at = found.end
      return [{ type: 'class', items: found.items, negated: found.negated, foldCase }]
    }
    if (this.#take('.')) return [{ type: 'class', items: dotAll ? [] : [NEWLINE], negated: true, foldCase: false }]
    if (this.#take('^')) return [{ type: 'assertion', assertion: multiLine ? 'line-start' : 'text-start' }]
    if (this.#take('$')) return [{ type: 'assertion', assertion: multiLine ? 'line-end' : 'text-end' }]
    if (this.#take('\\Q')) return this.#quoted()
    if (this.#peek() === '\\') return [this.#escape()]
    const character = String.fromCodePoint(this.#pattern.codePointAt(this.#at) ?? 0)
    this.#at += character.length
    return [this.#literal(character)]
  }

  #escape(): RegexpNode {
    const assertion = ASSERTIONS[this.#pattern[this.#at + 1] ?? '']
    if (assertion !== undefined) {
      this.#at += 2
      return { type: 'assertion', assertion }
    }
    const set = readClassEscape(this.#pattern, this.#at)
    if (set !== undefined) {
      this.#at = set.end
      return { type: 'class', items: [set.item], negated: false, foldCase: this.#flags.foldCase }
    }
    const { end, codePoint } = readEscape(this.#pattern, this.#at)
    this.#at = end
    return this.#literal(String.fromCodePoint(codePoint))
  }

  #quoted(): RegexpNode[] {
    const end = this.#pattern.indexOf('\\E', this.#at)
    const text = this.#pattern.slice(this.#at, end < 0 ? undefined : end)
    this.#at += text.length + (end < 0 ? 0 : 2)
    return Array.from(text, (character) => this.#literal(character))
  }

  #group(): RegexpNode[] {
    const outer = this.#flags
    if (this.#pattern.startsWith('(?', this.#at)) {
      if (this.#openSpecial() === 'flags') return []
    } else {
      this.#at += 1
    }
    const node = this.#choice()
    if (!this.#take(')')) throw regexpError('missing closing )', this.#pattern)
    this.#flags = outer
    return [node]
  }

  /** Reads `(?P<name>`, `(?flags:` or all of `(?flags)`. */
  #openSpecial(): 'group' | 'flags' {
    const rest = this.#pattern.slice(this.#at)
    const named = /^\(\?P?<(?<name>[^>]*)>?/.exec(rest)
    if (named !== null) {
      const name = named.groups?.['name'] ?? ''
      if (!named[0].endsWith('>')) throw regexpError('invalid named capture', rest)
      if (!/^\w+$/.test(name) || this.#names.has(name)) throw regexpError('invalid named capture', named[0])
      this.#names.add(name)
      this.#at += named[0].length
      return 'group'
    }
    const flags = /^\(\?(?<on>[imsU]*)(?<off>-[imsU]+)?(?<end>[:)])/.exec(rest)
    if (flags === null || flags[0] === '(?)') {
      if (/^\(\?[imsU-]*$/.test(rest)) throw regexpError('missing closing )', this.#pattern)
      throw regexpError('invalid or unsupported Perl syntax', /^\(\?[imsU-]*./su.exec(rest)?.[0] ?? rest)
    }
    this.#setFlags(flags.groups?.['on'] ?? '', true)
    this.#setFlags(flags.groups?.['off'] ?? '', false)
    this.#at += flags[0].length
    return flags.groups?.['end'] === ':' ? 'group' : 'flags'
  }

  #setFlags(letters: string, value: boolean): void {
    this.#flags = {
      foldCase: letters.includes('i') ? value : this.#flags.foldCase,
      multiLine: letters.includes('m') ? value : this.#flags.multiLine,
      dotAll: letters.includes('s') ? value : this.#flags.dotAll,
    }
  }

  #literal(character: string): RegexpNode {
    const body = `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`
    return { type: 'class', items: [{ body, negated: false }], negated: false, foldCase: this.#flags.foldCase }
  }

  #peek(): string {
    return this.#pattern[this.#at] ?? ''
  }

  #take(text: string): boolean {
    const found = this.#pattern.startsWith(text, this.#at)
    if (found) this.#at += text.length
    return found
  }
}

/** How often the innermost part of nested counted repeats comes, at most. */
function largestRepeat(node: RegexpNode): number {
  if (node.type === 'class' || node.type === 'assertion') return 1
  if (node.type === 'repeat') {
    return Math.max(1, node.max === Infinity ? node.min : node.max) * largestRepeat(node.item)
  }
  return node.items.reduce((largest, item) => Math.max(largest, largestRepeat(item)), 1)
}
