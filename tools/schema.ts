/**
 * Writes the JSON schemas of configuration files, for editors, from the schemas that the parser uses.
 *
 * `node tools/schema.ts` after a change of `src/config/image-set-schema.ts`; a test fails while they are stale.
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { deleteConfigSchema, imageSetConfigSchema } from '../src/config/image-set-schema.ts'

const DIRECTORY = join(import.meta.dirname, '../docs/schema')

/** Text of each file of `docs/schema`, by its name. */
export function renderSchemas(): ReadonlyMap<string, string> {
  return new Map([
    ['image-set-configuration.json', render('ImageSetConfiguration', imageSetConfigSchema)],
    ['delete-image-set-configuration.json', render('DeleteImageSetConfiguration', deleteConfigSchema)],
  ])
}

function render(title: string, schema: z.ZodType): string {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io: 'input' })
  return `${JSON.stringify({ $schema, title, ...rest }, undefined, 2)}\n`
}

if (import.meta.main) {
  for (const [name, text] of renderSchemas()) await writeFile(join(DIRECTORY, name), text)
}
