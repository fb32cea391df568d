/**
 * Go regular expressions, matched as Go matches them: in time linear in the text, whatever the pattern.
 *
 * The tree becomes a program of states, and a match runs all states side by side (Thompson, Pike), so that no pattern
 * backtracks. Work is bounded by {@link MAX_STATES} for each character.
 */
import { regexpError } from './go-regexp-error.ts'
import { parseGoRegexp } from './go-regexp-syntax.ts'
import type { Assertion, RegexpNode } from './go-regexp-syntax.ts'

export interface GoRegexp {
  readonly source: string
  /** Whether the pattern occurs anywhere in `text`. */
  matches(text: string): boolean
}

type State =
  | { readonly type: 'take'; readonly accepts: (codePoint: number) => boolean }
  | { readonly type: 'assert'; readonly assertion: Assertion }
  | { readonly type: 'split'; readonly targets: number[] }
  | { readonly type: 'match' }

const MAX_STATES = 20_000

/** Whether an assertion holds between two characters, `undefined` beyond either end. */
const HOLDS: Readonly<Record<Assertion, (before: number | undefined, after: number | undefined) => boolean>> = {
  'text-start': (before) => before === undefined,
  'text-end': (_, after) => after === undefined,
  'line-start': (before) => before === undefined || before === 0x0a,
  'line-end': (_, after) => after === undefined || after === 0x0a,
  word: (before, after) => isWord(before) !== isWord(after),
  'not-word': (before, after) => isWord(before) === isWord(after),
}

/** @throws {import('../base/errors.ts').AirliftError} `CONFIG_INVALID`, with Go's words for what is wrong. */
export function compileGoRegexp(source: string): GoRegexp {
  const states: State[] = []
  emit(parseGoRegexp(source), states, source)
  states.push({ type: 'match' })
  return { source, matches: (text) => run(states, text) }
}

/** Appends the states of `node`; control leaves them by falling off the end. */
function emit(node: RegexpNode, states: State[], source: string): void {
  if (states.length > MAX_STATES) throw regexpError('expression too large', source)
  switch (node.type) {
    case 'class':
      states.push({ type: 'take', accepts: acceptor(node) })
      return
    case 'assertion':
      states.push({ type: 'assert', assertion: node.assertion })
      return
    case 'sequence':
      for (const item of node.items) emit(item, states, source)
      return
    case 'choice':
      emitChoice(node.items, states, source)
      return
    case 'repeat':
      for (let count = 0; count < node.min; count += 1) emit(node.item, states, source)
      if (node.max === Infinity) emitStar(node.item, states, source)
      else emitOptional(node, states, source)
  }
}

function emitChoice(items: readonly RegexpNode[], states: State[], source: string): void {
  const [first] = items
  if (items.length === 1 && first !== undefined) return emit(first, states, source)
  const entry: number[] = []
  const exits: number[][] = []
  states.push({ type: 'split', targets: entry })
  for (const item of items) {
    entry.push(states.length)
    emit(item, states, source)
    const exit: number[] = []
    exits.push(exit)
    states.push({ type: 'split', targets: exit })
  }
  for (const exit of exits) exit.push(states.length)
}

function emitStar(item: RegexpNode, states: State[], source: string): void {
  const loop = states.length
  const targets = [loop + 1]
  states.push({ type: 'split', targets })
  emit(item, states, source)
  states.push({ type: 'split', targets: [loop] })
  targets.push(states.length)
}

function emitOptional(node: RegexpNode & { readonly type: 'repeat' }, states: State[], source: string): void {
  const skips: number[][] = []
  for (let count = node.min; count < node.max; count += 1) {
    const targets = [states.length + 1]
    skips.push(targets)
    states.push({ type: 'split', targets })
    emit(node.item, states, source)
  }
  for (const targets of skips) targets.push(states.length)
}

/** Case is folded by JavaScript's `iu`, which follows the same Unicode table as Go; answers are kept. */
function acceptor(node: RegexpNode & { readonly type: 'class' }): (codePoint: number) => boolean {
  const flags = node.foldCase ? 'iu' : 'u'
  const plain = node.items.filter(({ negated }) => !negated).map(({ body }) => body)
  const wanted = new RegExp(`^[${plain.join('')}]$`, flags)
  const unwanted = node.items.filter(({ negated }) => negated).map(({ body }) => new RegExp(`^[${body}]$`, flags))
  const known = new Map<number, boolean>()
  return (codePoint) => {
    const before = known.get(codePoint)
    if (before !== undefined) return before
    const character = String.fromCodePoint(codePoint)
    const isIn = wanted.test(character) || unwanted.some((part) => !part.test(character))
    known.set(codePoint, isIn !== node.negated)
    return isIn !== node.negated
  }
}

function run(states: readonly State[], text: string): boolean {
  const codePoints = Array.from(text, (character) => character.codePointAt(0) ?? 0)
  let current: number[] = []
  for (let at = 0; at <= codePoints.length; at += 1) {
    const { reached, matched } = follow(states, [0, ...current], codePoints, at)
    if (matched) return true
    const codePoint = codePoints[at]
    if (codePoint === undefined) return false
    current = reached
      .filter((index) => {
        const state = states[index]
        return state?.type === 'take' && state.accepts(codePoint)
      })
      .map((index) => index + 1)
  }
  return false
}

/** The states that take a character and can be reached from `from` without taking one. */
function follow(
  states: readonly State[],
  from: readonly number[],
  codePoints: readonly number[],
  at: number,
): { readonly reached: readonly number[]; readonly matched: boolean } {
  const seen = new Set<number>()
  const reached: number[] = []
  const open = [...from]
  for (let index = open.pop(); index !== undefined; index = open.pop()) {
    const state = states[index]
    if (state === undefined || seen.has(index)) continue
    seen.add(index)
    if (state.type === 'match') return { reached, matched: true }
    if (state.type === 'take') reached.push(index)
    if (state.type === 'split') open.push(...state.targets)
    if (state.type === 'assert' && HOLDS[state.assertion](codePoints[at - 1], codePoints[at])) open.push(index + 1)
  }
  return { reached, matched: false }
}

function isWord(codePoint: number | undefined): boolean {
  return codePoint !== undefined && /^\w$/.test(String.fromCodePoint(codePoint))
}
