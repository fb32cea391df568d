/**
 * YAML text as a tree of nodes with their places, aliases resolved.
 *
 * Hostile text costs time linear in its length: nothing is expanded here, and whoever walks the tree counts what it
 * visits, since aliases can make a small file a large value.
 *
 * Spec: https://yaml.org/spec/1.2.2/
 */
import { isAlias, isMap, isNode, isScalar, isSeq, LineCounter, parseAllDocuments, visit } from 'yaml'
import type { Alias, Node, Pair, Scalar } from 'yaml'

interface YamlProblem {
  readonly offset: number
  readonly message: string
}

export interface YamlDocument {
  /** Of the first document; `undefined` where it is empty. */
  readonly root: Node | undefined
  /** How many documents with content the text holds. */
  readonly count: number
  readonly problems: readonly YamlProblem[]
  /** Line and column, both from 1. */
  locate(offset: number): { readonly line: number; readonly column: number }
  /** What an alias stands for, or the node itself; `undefined` for an alias without an anchor. */
  resolve(node: unknown): Node | undefined
}

/** Syntax errors cascade, and the first few say all. */
const MAX_SYNTAX_PROBLEMS = 5

export function parseYaml(text: string): YamlDocument {
  const lineCounter = new LineCounter()
  const parsed = parseAllDocuments(text, { lineCounter, uniqueKeys: false, prettyErrors: false, logLevel: 'silent' })
  const documents = 'empty' in parsed ? [] : parsed
  const [first] = documents
  const targets = new Map<Alias, Node>()
  const anchors = new Map<string, Node>()
  const errors = documents.flatMap((document) => document.errors)
  if (first !== undefined && errors.length === 0) {
    visit(first, {
      Node: (_, node) => {
        if (isAlias(node)) {
          const target = anchors.get(node.source)
          if (target !== undefined) targets.set(node, target)
        } else if (node.anchor !== undefined) anchors.set(node.anchor, node)
      },
    })
  }
  return {
    root: isNode(first?.contents) ? first.contents : undefined,
    count: documents.filter((document) => isNode(document.contents) && !isNullNode(document.contents)).length,
    problems: errors.slice(0, MAX_SYNTAX_PROBLEMS).map(({ pos, message }) => ({ offset: pos[0], message })),
    locate(offset) {
      const { line, col } = lineCounter.linePos(offset)
      return { line: Math.max(1, line), column: Math.max(1, col) }
    },
    resolve: (node) => (isAlias(node) ? targets.get(node) : isNode(node) ? node : undefined),
  }
}

/** Whether a node is null, as Go reads it: the same as absent. */
export function isNullNode(node: Node | undefined): boolean {
  return isScalar(node) && node.value === null
}

/** What a node is, in words for a message: `the number 4.10`, `a list`. */
export function describeNode(node: Node): string {
  if (isMap(node)) return 'a mapping'
  if (isSeq(node)) return 'a list'
  if (!isScalar(node)) return 'an alias'
  if (node.value === null) return 'nothing'
  if (typeof node.value === 'string') return `the string ${JSON.stringify(clip(node.value))}`
  return `the ${typeof node.value === 'boolean' ? 'boolean' : 'number'} ${scalarText(node)}`
}

/** A scalar as it stands in the file, on one line. */
export function scalarText(node: Scalar): string {
  return clip(node.source ?? String(node.value))
}

/** Key of a pair as text; numbers and booleans count as their text, as in JSON. */
export function keyText(pair: Pair): string {
  if (!isScalar(pair.key)) return '?'
  return typeof pair.key.value === 'string' ? pair.key.value : (pair.key.source ?? String(pair.key.value))
}

export function offsetOf(node: Node | undefined): number {
  return node?.range?.[0] ?? 0
}

export function pairOffset(pair: Pair): number {
  return isNode(pair.key) ? offsetOf(pair.key) : 0
}

function clip(text: string): string {
  const line = text.split(/[\r\n]/, 1)[0] ?? ''
  return line.length === text.length && line.length <= 80 ? line : `${line.slice(0, 80)}…`
}
