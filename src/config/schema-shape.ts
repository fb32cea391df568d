/**
 * What a schema expects, as far as a reader of YAML must know it before validation. Pure.
 */
import * as z from 'zod'

export type Shape =
  | { readonly type: 'object'; readonly keys: ReadonlyMap<string, z.core.$ZodType> }
  | { readonly type: 'list'; readonly item: z.core.$ZodType }
  | { readonly type: 'boolean' }
  | { readonly type: 'scalar' }

/** Of a union, the keys of all its objects: validation says later which of them go together. */
export function shapeOf(schema: z.core.$ZodType): Shape {
  const inner = unwrap(schema)
  if (inner instanceof z.ZodObject) return { type: 'object', keys: new Map(Object.entries(inner.shape)) }
  if (inner instanceof z.ZodArray) return { type: 'list', item: inner.element }
  if (inner instanceof z.ZodBoolean) return { type: 'boolean' }
  if (inner instanceof z.ZodUnion) {
    const objects = inner.options.map(shapeOf).filter((shape) => shape.type === 'object')
    return { type: 'object', keys: new Map(objects.flatMap((shape) => [...shape.keys])) }
  }
  return { type: 'scalar' }
}

/** Whether the key can be left out, so that an empty string in it means that it was, as in Go. */
export function isOptional(schema: z.core.$ZodType): boolean {
  return schema instanceof z.ZodOptional
}

/** Paths of the objects that have `key`, as `mirror.platform`; lists do not show. */
export function placesOfKey(schema: z.core.$ZodType, key: string, path = ''): string[] {
  const shape = shapeOf(schema)
  if (shape.type === 'list') return placesOfKey(shape.item, key, path)
  if (shape.type !== 'object') return []
  const below = [...shape.keys].flatMap(([name, value]) =>
    placesOfKey(value, key, path === '' ? name : `${path}.${name}`),
  )
  return shape.keys.has(key) ? [path, ...below] : below
}

/** The schema of what is at `path`, if the schema knows it. */
export function schemaAt(schema: z.core.$ZodType, path: readonly PropertyKey[]): z.core.$ZodType | undefined {
  const [first, ...rest] = path
  if (first === undefined) return schema
  const shape = shapeOf(schema)
  const below = shape.type === 'list' ? shape.item : shape.type === 'object' ? shape.keys.get(String(first)) : undefined
  return below === undefined ? undefined : schemaAt(below, rest)
}

/** A valid value for `schema`, with `name` as its strings; `undefined` where it can be left out. */
export function standIn(schema: z.core.$ZodType, name: string): unknown {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault) return undefined
  const inner = unwrap(schema)
  if (inner instanceof z.ZodEnum) return inner.options[0]
  if (inner instanceof z.ZodString || inner instanceof z.ZodUnion) return name
  const shape = shapeOf(inner)
  if (shape.type === 'list') return []
  if (shape.type !== 'object') return undefined
  return Object.fromEntries([...shape.keys].map(([key, value]) => [key, standIn(value, name)]))
}

function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault) return unwrap(schema.def.innerType)
  if (schema instanceof z.ZodPipe) return unwrap(schema.def.in)
  return schema
}
