/**
 * JSON in which an object must not name a key twice: two programs could read such a document differently. Pure.
 *
 * For documents that decide what is trusted: policies and the payloads of signatures.
 */

/** Strings, punctuation, and everything else, of text that is JSON. */
const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\]:,]|[^\s"{}[\]:,]+/g

/** @throws {SyntaxError} for what is not JSON, or names a key twice. */
export function parseStrictJson(text: string): unknown {
  const value: unknown = JSON.parse(text)
  const duplicate = findDuplicateKey(text)
  if (duplicate !== undefined) throw new SyntaxError(`duplicate key ${duplicate}`)
  return value
}

/** The first repeated key, as it is written. `text` must be JSON. */
function findDuplicateKey(text: string): string | undefined {
  const tokens = text.match(TOKEN) ?? []
  const open: Set<string>[] = []
  for (const [index, token] of tokens.entries()) {
    if (token === '{' || token === '[') open.push(new Set())
    else if (token === '}' || token === ']') open.pop()
    else if (tokens[index + 1] === ':') {
      const keys = open.at(-1)
      const key = JSON.parse(token) as string
      if (keys?.has(key) === true) return token
      keys?.add(key)
    }
  }
  return undefined
}

/** True for what `{…}` parses to. */
export function isJsonObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
