/**
 * Configurations that people published are read, or refused for the reason for which the original refuses them.
 *
 * Reads the shared data: part of `.ci/run`, not of `npm test`.
 */
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { expect, it } from 'vitest'
import { isConfigError } from '../../src/config/config-error.ts'
import { parseDeleteConfig, parseImageSetConfig } from '../../src/config/parse-image-set-config.ts'

const SHARED = resolve(import.meta.dirname, '../..', process.env['AIRLIFT_SHARED'] ?? '../shared')
const DIRECTORY = join(SHARED, 'data/4-imagesetconfigs')

/** Files of v2alpha1 that are wrong, by the end of their name. */
const REFUSED: Readonly<Record<string, string>> = {
  'isc_example__imageset-config-upgrade.yaml': 'duplicate channel entry "stable-4.17"',
  'config-72938.yaml': 'mixing both filtering by minVersion/maxVersion',
  'config-88132-invalid.yaml': 'invalid target path component "invalid:@tag"',
  'isc-platforms-and-archs.yaml': 'platform.platforms and platform.architectures cannot be used together',
}
/** Keys that v1 has and v2 does not. */
const OBSOLETE = /unknown field "(?:storageConfig|targetName|originalRef|minBundle)"; a key of v1; /

interface Row {
  readonly file: string
  readonly apiVersion: string
  readonly kind: string
}

async function rows(): Promise<readonly Row[]> {
  const table = await readFile(join(DIRECTORY, 'FILES.tsv'), 'utf8')
  return table
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split('\t'))
    .map(([file = '', , , apiVersion = '', kind = '']) => ({ file, apiVersion, kind }))
}

async function messagesOf({ file, kind }: Row): Promise<string> {
  const text = await readFile(join(DIRECTORY, file), 'utf8')
  try {
    const parse = kind === 'DeleteImageSetConfiguration' ? parseDeleteConfig : parseImageSetConfig
    parse(text, file)
    return ''
  } catch (error) {
    if (isConfigError(error)) return error.message
    throw error
  }
}

const all = await rows()

it.each(all.filter(({ apiVersion }) => apiVersion.startsWith('v2')))('reads $file', async (row) => {
  const reason = Object.entries(REFUSED).find(([end]) => row.file.endsWith(end))?.[1]
  const message = await messagesOf(row)

  if (reason === undefined) expect(message).toBe('')
  else expect(message).toContain(reason)
})

it.each(all.filter(({ apiVersion }) => apiVersion === 'v1alpha2'))(
  'reads $file of v1, or says what to change',
  async (row) => {
    const message = await messagesOf(row)

    if (message !== '') expect(message).toMatch(OBSOLETE)
  },
)

it('holds the corpus', () => {
  expect(all.length).toBeGreaterThan(90)
})
