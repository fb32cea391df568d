/** What editors and people are told of configurations is what the parser uses. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { renderSchemas } from '../tools/schema.ts'

const DOCS = join(import.meta.dirname, '../docs')

it.each([...renderSchemas()])('docs/schema/%s is current', async (name, text) => {
  expect(await readFile(join(DOCS, 'schema', name), 'utf8')).toBe(text)
})

it('docs/configuration.md has one row for each key', async () => {
  const page = await readFile(join(DOCS, 'configuration.md'), 'utf8')
  const rows = [...page.matchAll(/^\| `(?<key>[^`]+)` \|/gm)].map((match) => match.groups?.['key'] ?? '')
  const keys = [...renderSchemas().values()].flatMap((text) => keysOf(JSON.parse(text) as JsonSchema, ''))
  const named = keys.map((key) => key.replace(/^(?:mirror|delete)\./, ''))

  expect(rows.toSorted()).toEqual([...new Set(named)].toSorted())
})

interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly items?: JsonSchema
  readonly anyOf?: readonly JsonSchema[]
}

function keysOf(schema: JsonSchema, path: string): string[] {
  const own = Object.entries(schema.properties ?? {}).flatMap(([key, value]) => {
    const full = path === '' ? key : `${path}.${key}`
    return [full, ...keysOf(value, full)]
  })
  const items = schema.items === undefined ? [] : keysOf(schema.items, `${path}[]`)
  return [...own, ...items, ...(schema.anyOf ?? []).flatMap((option) => keysOf(option, path))]
}
