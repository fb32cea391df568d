/**
 * The `registries.d` of one workspace: a copy of the user's, and a file for each place that it leaves open.
 *
 * `oc-mirror` writes these files and puts them into archives, so names and bytes are the same. What a user has
 * configured is never overruled.
 */
import { mkdir, readFile, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { writeFileAtomic } from '../base/atomic-file.ts'
import { diskFailed } from '../base/disk-failed.ts'
import { isSystemError } from '../base/errors.ts'
import { readBounded } from './read-bounded.ts'
import { listRegistriesD, loadRegistriesD, registriesDirectory } from './registries-d.ts'
import type { RegistriesD } from './registries-d.ts'

export interface WorkspaceRegistriesDOptions {
  /** `--registries.d`; the user's or the system's directory where absent. */
  readonly from?: string | undefined
  readonly workingDir: string
  /** Of the local storage of `oc-mirror`, which archives name as their source. */
  readonly port: number
  /** `host[:port][/namespace]`, where images go to a registry. */
  readonly destination?: string | undefined
  readonly home: string
  readonly signal: AbortSignal
  /** In place of `/etc/containers/registries.d`. */
  readonly systemDir?: string
}

const DEFAULT = 'default'

/**
 * Writes the files and reads all of them back.
 *
 * @throws {AirliftError} `REGISTRIES_CONF_INVALID`, `DISK_FAILED`.
 */
export async function prepareRegistriesD(options: WorkspaceRegistriesDOptions): Promise<RegistriesD> {
  const { workingDir, port, destination, home, signal, systemDir } = options
  const source = options.from ?? (await registriesDirectory(home, systemDir))
  const directory = join(workingDir, 'containers/registries.d')
  await mkdir(directory, { recursive: true }).catch((error: unknown) => {
    throw diskFailed(`making the directory ${directory}`, error)
  })
  for (const file of await listRegistriesD(source)) {
    await writeFileAtomic(join(directory, basename(file)), await readBounded(file, { signal }))
  }
  const wanted = [`localhost:${port}`, DEFAULT, ...(destination === undefined ? [] : [destination])]
  for (const scope of wanted) await removeGenerated(directory, scope)
  const configured = await loadRegistriesD(directory, { signal })
  for (const scope of wanted) {
    if (!isConfigured(configured, scope)) await writeFileAtomic(fileOf(directory, scope), contentOf(scope))
  }
  return loadRegistriesD(directory, { signal })
}

/** A file that an earlier run made would stand beside what the user has configured since. */
async function removeGenerated(directory: string, scope: string): Promise<void> {
  try {
    const content = await readFile(fileOf(directory, scope), 'utf8')
    if (content === contentOf(scope)) await rm(fileOf(directory, scope))
  } catch (error) {
    if (!isSystemError(error, 'ENOENT', 'ENOTDIR')) throw error
  }
}

/** As `oc-mirror` sees it: a scope inside the wanted one counts too. */
function isConfigured(conf: RegistriesD, wanted: string): boolean {
  if (wanted === DEFAULT) return conf.default !== undefined
  return [...conf.scopes.keys()].some((scope) => scope.includes(wanted))
}

/** A destination with a namespace becomes a file one level down, which is never read back: the default covers it. */
function fileOf(directory: string, scope: string): string {
  return join(directory, `${scope}.yaml`)
}

function contentOf(scope: string): string {
  const setting = 'use-sigstore-attachments: true\n'
  return scope === DEFAULT ? `default-docker:\n  ${setting}` : `docker:\n  ${scope}:\n    ${setting}`
}
