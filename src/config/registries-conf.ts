/**
 * Finds, reads and merges the files of `registries.conf`.
 *
 * A table of a drop-in replaces the whole table of the same prefix; nothing of the earlier one is kept.
 *
 * Spec: https://github.com/containers/image/blob/v5.36.2/docs/containers-registries.conf.d.5.md
 */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { AirliftError, isAirliftError, isSystemError } from '../base/errors.ts'
import { readBounded, readIfPresent } from './read-bounded.ts'
import { parseRegistriesConf } from './registries-conf-parse.ts'
import type { RegistriesConf, RegistriesConfFile } from './registries-conf-types.ts'

export interface RegistriesConfOptions {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly home: string
  readonly signal: AbortSignal
  /** In place of `/etc/containers`. */
  readonly systemDir?: string
}

/** The helper that stands for the auth files themselves. */
export const AUTH_FILE_HELPER = 'containers-auth.json'

/**
 * A missing default file is an empty configuration; one that `CONTAINERS_REGISTRIES_CONF` names must exist.
 *
 * @throws {AirliftError} `REGISTRIES_CONF_INVALID`.
 */
export async function loadRegistriesConf(options: RegistriesConfOptions): Promise<RegistriesConf> {
  const { env, home, signal, systemDir = '/etc/containers' } = options
  const named = env['CONTAINERS_REGISTRIES_CONF'] ?? ''
  const userFile = join(home, '.config/containers/registries.conf')
  const userDirectory = `${userFile}.d`

  const found = await readFiles(named || userFile, { signal, required: named !== '' })
  const onlyUser = named === '' && found.length > 0
  const file = named || (onlyUser ? userFile : join(systemDir, 'registries.conf'))
  const directories = onlyUser ? [userDirectory] : [join(systemDir, 'registries.conf.d'), userDirectory]
  if (named === '' && !onlyUser) found.push(...(await readFiles(file, { signal, required: false })))
  for (const directory of directories) {
    for (const dropIn of await listDropIns(directory)) {
      const parsed = await readFiles(dropIn, { signal, required: true })
      if (parsed.some(({ format }) => format === 'v1')) {
        throw invalid(dropIn, new Error('registry must be in v2 format but is in v1'))
      }
      found.push(...parsed)
    }
  }
  return { ...mergeFiles(found), file, directories }
}

/** Later files win. */
function mergeFiles(files: readonly RegistriesConfFile[]): Pick<RegistriesConf, 'registries' | 'credentialHelpers'> {
  const byPrefix = new Map(files.flatMap(({ registries }) => registries.map((table) => [table.prefix, table])))
  return {
    registries: [...byPrefix.values()].toSorted((a, b) => (a.prefix < b.prefix ? -1 : 1)),
    credentialHelpers: files.findLast((file) => file.credentialHelpers !== undefined)?.credentialHelpers ?? [
      AUTH_FILE_HELPER,
    ],
  }
}

async function readFiles(
  path: string,
  { signal, required }: { readonly signal: AbortSignal; readonly required: boolean },
): Promise<RegistriesConfFile[]> {
  try {
    const bytes = await (required ? readBounded(path, { signal }) : readIfPresent(path, { signal }))
    return bytes === undefined ? [] : [parseRegistriesConf(bytes.toString('utf8'), path)]
  } catch (error) {
    if (isAirliftError(error) || signal.aborted) throw error
    throw invalid(path, error)
  }
}

async function listDropIns(directory: string): Promise<string[]> {
  try {
    const entries = await readdir(directory, { withFileTypes: true })
    return entries
      .filter((entry) => !entry.isDirectory() && entry.name.endsWith('.conf'))
      .map(({ name }) => join(directory, name))
      .toSorted()
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return []
    throw invalid(directory, error)
  }
}

function invalid(path: string, cause: unknown): AirliftError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new AirliftError('REGISTRIES_CONF_INVALID', `loading registries configuration "${path}": ${reason}`, {
    hint: `correct ${path}, or name another file in CONTAINERS_REGISTRIES_CONF`,
    cause,
  })
}
