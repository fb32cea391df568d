/**
 * A YAML tree read along a schema: a plain value for validation, and the place of every part of it.
 *
 * Reads as Go's JSON decoder does: keys in any case, null for absent, an empty string for absent where the key is
 * optional, `yes` and `on` as booleans. Unlike there, nothing is dropped in silence: unknown keys, and keys that come
 * twice, are problems.
 */
import { isAlias, isMap, isScalar, isSeq } from 'yaml'
import type { Node, Pair, YAMLMap } from 'yaml'
import type * as z from 'zod'
import { closestKey } from './closest-key.ts'
import { obsoleteKeyAdvice } from './obsolete-keys.ts'
import { isOptional, placesOfKey, shapeOf } from './schema-shape.ts'
import type { Shape } from './schema-shape.ts'
import { isNullNode, keyText, offsetOf, pairOffset, scalarText } from './yaml-document.ts'
import type { YamlDocument } from './yaml-document.ts'

export type Path = readonly (string | number)[]

export interface FoundProblem {
  readonly offset: number
  readonly path: Path
  readonly text: string
  readonly message: string
  readonly hint?: string
}

interface Place {
  readonly path: Path
  readonly node: Node | undefined
}

export interface ReadValue {
  readonly value: unknown
  readonly problems: readonly FoundProblem[]
  /** The node at `path`; where there is none, the nearest one around it, with its path. */
  nearest(path: Path): Place
}

/** Values visited, aliases expanded: far above any real configuration. */
const MAX_VALUES = 100_000
const TRUE = /^(?:y|Y|yes|Yes|YES|on|On|ON)$/
const FALSE = /^(?:n|N|no|No|NO|off|Off|OFF)$/

export function readAgainstSchema(document: YamlDocument, schema: z.core.$ZodType): ReadValue {
  const reader = new SchemaReader(document, schema)
  const top: Part = { key: '', parent: undefined, node: document.root, parts: new Map() }
  const value = reader.read(document.root, schema, top)
  return { value, problems: reader.problems, nearest: (path) => nearestPart(top, path) }
}

/** What was read, by path: the places of a big file must not cost more than its values. */
interface Part {
  readonly key: string | number
  readonly parent: Part | undefined
  node: Node | undefined
  readonly parts: Map<string | number, Part>
}

function nearestPart(top: Part, path: Path): Place {
  let part = top
  for (const key of path) {
    const next = part.parts.get(key)
    if (next?.node === undefined) break
    part = next
  }
  return { path: pathOf(part), node: part.node }
}

function below(parent: Part, key: string | number): Part {
  const part: Part = { key, parent, node: undefined, parts: new Map() }
  parent.parts.set(key, part)
  return part
}

function pathOf(part: Part): Path {
  return part.parent === undefined ? [] : [...pathOf(part.parent), part.key]
}

class SchemaReader {
  readonly problems: FoundProblem[] = []
  readonly #document: YamlDocument
  readonly #schema: z.core.$ZodType
  #visited = 0

  constructor(document: YamlDocument, schema: z.core.$ZodType) {
    this.#document = document
    this.#schema = schema
  }

  read(written: unknown, schema: z.core.$ZodType, part: Part): unknown {
    this.#visited += 1
    if (this.#visited > MAX_VALUES) return this.#refuseSize()
    const node = this.#document.resolve(written)
    if (node === undefined) {
      if (isAlias(written))
        this.#add(written, pathOf(part), {
          text: `*${written.source}`,
          message: `unknown anchor '${written.source}' referenced`,
        })
      return undefined
    }
    part.node = node
    const shape = shapeOf(schema)
    if (isMap(node)) return shape.type === 'object' ? this.#readMap(node, shape, part) : {}
    if (isSeq(node)) return shape.type === 'list' ? this.#readList(node.items, shape, part) : []
    if (!isScalar(node)) return undefined
    if (shape.type === 'boolean' && node.type === 'PLAIN' && typeof node.value === 'string') {
      if (TRUE.test(node.value)) return true
      if (FALSE.test(node.value)) return false
    }
    return node.value
  }

  #readList(items: readonly unknown[], shape: Shape & { readonly type: 'list' }, part: Part): unknown[] {
    const values: unknown[] = []
    for (const [index, item] of items.entries()) {
      if (this.#visited > MAX_VALUES) break
      values.push(this.read(item, shape.item, below(part, index)))
    }
    return values
  }

  #readMap(map: YAMLMap, shape: Shape & { readonly type: 'object' }, part: Part): Record<string, unknown> {
    const canonical = new Map([...shape.keys.keys()].map((key) => [key.toLowerCase(), key]))
    const values: Record<string, unknown> = {}
    const seen = new Map<string, string>()
    for (const pair of map.items) {
      if (this.#visited > MAX_VALUES) break
      const written = keyText(pair)
      const key = canonical.get(written.toLowerCase())
      const earlier = seen.get(key ?? written)
      seen.set(key ?? written, written)
      if (earlier !== undefined) {
        this.#addKey(pair, [...pathOf(part), key ?? written], {
          message: `key ${JSON.stringify(written)} already set in map`,
          ...(earlier !== written && { hint: `${JSON.stringify(earlier)} is the same key` }),
        })
      } else if (key === undefined) {
        this.#addUnknown(pair, shape, pathOf(part))
      } else {
        const schema = shape.keys.get(key)
        if (schema === undefined || isNullNode(this.#document.resolve(pair.value)) || pair.value === null) continue
        const value = this.read(pair.value, schema, below(part, key))
        if (value !== undefined && !(value === '' && isOptional(schema))) values[key] = value
      }
    }
    return values
  }

  #addUnknown(pair: Pair, shape: Shape & { readonly type: 'object' }, path: Path): void {
    const key = keyText(pair)
    const message = `unknown field ${JSON.stringify(key)}`
    const hint = obsoleteKeyAdvice(key) ?? this.#suggestion(key, shape)
    this.#addKey(pair, [...path, key], { message, ...(hint !== undefined && { hint }) })
  }

  #suggestion(key: string, shape: Shape & { readonly type: 'object' }): string | undefined {
    if (key === '<<') return 'write the keys out: merge keys are not supported'
    const meant = closestKey(key, [...shape.keys.keys()])
    if (meant !== undefined) return `did you mean ${JSON.stringify(meant)}?`
    const [place, ...others] = placesOfKey(this.#schema, key)
    if (place === undefined || others.length > 0) return undefined
    return place === '' ? `it belongs to the top level` : `it belongs under ${JSON.stringify(place)}`
  }

  #addKey(pair: Pair, path: Path, what: { readonly message: string; readonly hint?: string }): void {
    const text = isScalar(pair.key) ? scalarText(pair.key) : ''
    this.problems.push({ offset: pairOffset(pair), path, text, ...what })
  }

  #add(node: Node, path: Path, what: { readonly text: string; readonly message: string }): void {
    this.problems.push({ offset: offsetOf(node), path, ...what })
  }

  #refuseSize(): undefined {
    if (this.#visited !== MAX_VALUES + 1) return
    this.problems.push({ offset: 0, path: [], text: '', message: `holds more than ${MAX_VALUES} values` })
  }
}
