/** The schemas that editors use are those that the parser uses. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { renderSchemas } from '../tools/schema.ts'

it.each([...renderSchemas()])('docs/schema/%s is current', async (name, text) => {
  const file = join(import.meta.dirname, '../docs/schema', name)

  expect(await readFile(file, 'utf8')).toBe(text)
})
