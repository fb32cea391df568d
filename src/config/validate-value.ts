/**
 * Validation against a schema that does not end at the first fault: what is wrong is named and stood in for, so that
 * the rules behind the schema can be checked on everything else.
 */
import { isScalar } from 'yaml'
import type { Node } from 'yaml'
import type * as z from 'zod'
import { closestKey } from './closest-key.ts'
import type { FoundProblem, Path, ReadValue } from './read-against-schema.ts'
import { schemaAt, standIn } from './schema-shape.ts'
import { describeNode, offsetOf, scalarText } from './yaml-document.ts'

export interface Validated<Value> {
  /** `undefined` only where not even stand-ins make it valid. */
  readonly value: Value | undefined
  readonly problems: readonly FoundProblem[]
}

const EXPECTED: Readonly<Record<string, string>> = {
  string: 'a string',
  boolean: 'true or false',
  int: 'a whole number',
  number: 'a number',
  array: 'a list',
  object: 'a mapping',
}

export function validateValue<Value>(read: ReadValue, schema: z.ZodType<Value>): Validated<Value> {
  const result = schema.safeParse(read.value)
  if (result.success) return { value: result.data, problems: [] }
  const issues = firstOfEachPath(result.error.issues)
  const problems = issues.map((issue) => toProblem(issue, read))
  let repaired: unknown = read.value
  for (const [index, { path }] of issues.entries()) {
    const expected = schemaAt(schema, path)
    if (expected !== undefined) repaired = withValue(repaired, path, standIn(expected, `unknown-${index + 1}`))
  }
  const second = schema.safeParse(repaired)
  return { value: second.success ? second.data : undefined, problems }
}

/** A value of the wrong type breaks other rules too, which say nothing more. */
function firstOfEachPath(issues: readonly z.core.$ZodIssue[]): readonly z.core.$ZodIssue[] {
  const paths = new Map<string, z.core.$ZodIssue>()
  for (const issue of issues) {
    const key = JSON.stringify(issue.path)
    if (!paths.has(key)) paths.set(key, issue)
  }
  return [...paths.values()]
}

function toProblem(issue: z.core.$ZodIssue, read: ReadValue): FoundProblem {
  const path = issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part))
  const { node } = read.nearest(path)
  const isMissing = valueAt(read.value, path) === undefined
  if (isMissing) {
    return {
      offset: offsetOf(node),
      path,
      text: '',
      message: `missing key ${JSON.stringify(String(path.at(-1) ?? ''))}`,
    }
  }
  const text = isScalar(node) ? scalarText(node) : ''
  return { offset: offsetOf(node), path, text, ...describeIssue(issue, node) }
}

function describeIssue(
  issue: z.core.$ZodIssue,
  node: Node | undefined,
): { readonly message: string; readonly hint?: string } {
  const found = node === undefined ? 'nothing' : describeNode(node)
  if (issue.code === 'invalid_type') {
    const message = `expected ${EXPECTED[issue.expected] ?? issue.expected}, got ${found}`
    const isUnquoted = issue.expected === 'string' && isScalar(node) && node.value !== null
    return { message, ...(isUnquoted && { hint: `write it in quotes: "${scalarText(node)}"` }) }
  }
  if (issue.code === 'invalid_value') {
    const allowed = issue.values.map(String)
    const meant = isScalar(node) ? closestKey(String(node.value), allowed) : undefined
    return {
      message: `expected one of ${allowed.join(', ')}, got ${found}`,
      ...(meant !== undefined && { hint: `did you mean ${JSON.stringify(meant)}?` }),
    }
  }
  if (issue.code === 'too_small')
    return { message: issue.origin === 'string' ? 'must not be empty' : 'must not be negative' }
  if (issue.code === 'too_big') return { message: 'is too large' }
  return { message: issue.message }
}

function valueAt(value: unknown, path: Path): unknown {
  let current = value
  for (const part of path) {
    if (current === null || typeof current !== 'object') return undefined
    current = (current as Readonly<Record<string | number, unknown>>)[part]
  }
  return current
}

/** A copy of `value` with `replacement` at `path`. */
function withValue(value: unknown, path: readonly PropertyKey[], replacement: unknown): unknown {
  const [first, ...rest] = path
  if (first === undefined) return replacement
  if (Array.isArray(value)) {
    return value.map((item: unknown, index) => (index === first ? withValue(item, rest, replacement) : item))
  }
  const record = value !== null && typeof value === 'object' ? (value as Readonly<Record<PropertyKey, unknown>>) : {}
  return { ...record, [first]: withValue(record[first], rest, replacement) }
}
