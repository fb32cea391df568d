/** Documents that must say what the code says. */
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { expect, it } from 'vitest'
import { ERROR_CODES } from '../src/base/errors.ts'
import { VERSION } from '../src/cli/version.ts'
import { withTables } from '../tools/commands-table.ts'

const read = (name: string): Promise<string> => readFile(resolve(import.meta.dirname, '..', name), 'utf8')

it('docs/errors.md has one section for each error code, in order', async () => {
  const sections = [...(await read('docs/errors.md')).matchAll(/^## (?<code>.+)$/gm)].map(
    ({ groups }) => groups?.['code'],
  )

  expect(sections).toEqual(ERROR_CODES)
})

it('docs/commands.md has the flags of the command line: node tools/commands-table.ts', async () => {
  const document = await read('docs/commands.md')

  expect(document).toBe(withTables(document))
})

it('docs/commands.md describes every event', async () => {
  const source = await read('src/transfer/events.ts')
  const types = [...source.matchAll(/readonly type: '(?<type>[a-z-]+)'/g)].map(({ groups }) => groups?.['type'] ?? '')
  const document = await read('docs/commands.md')

  expect(types.length).toBeGreaterThan(10)
  expect(types.filter((type) => !document.includes(`\n| \`${type}\` |`))).toEqual([])
})

it('the program has the version of the package', async () => {
  const { version } = JSON.parse(await read('package.json')) as { readonly version: string }

  expect(VERSION).toBe(version)
})
