/**
 * `registries.d`: whether images have signatures attached, and where detached ones lie.
 *
 * All files of one directory are one configuration; a scope may stand in only one of them. The settings of an image
 * come from its most specific scope that has them, each setting by itself.
 *
 * Spec: https://github.com/containers/image/blob/v5.36.2/docs/containers-registries.d.5.md
 */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { parseDocument } from 'yaml'
import { z } from 'zod'
import { AirliftError, isAirliftError, isSystemError } from '../base/errors.ts'
import type { Reference } from '../oci/reference.ts'
import { imageScopes } from './image-scopes.ts'
import { readBounded } from './read-bounded.ts'

const sectionSchema = z
  .object({
    lookaside: z.string().nullish(),
    'lookaside-staging': z.string().nullish(),
    sigstore: z.string().nullish(),
    'sigstore-staging': z.string().nullish(),
    'use-sigstore-attachments': z.boolean().nullish(),
  })
  .nullable()
const fileSchema = z
  .object({ 'default-docker': sectionSchema.optional(), docker: z.record(z.string(), sectionSchema).nullish() })
  .nullable()

export interface SignatureSettings {
  /** Base URL that detached signatures are read from, where configured. */
  readonly lookaside?: string
  /** `undefined` where no scope says so; the default is not to look. */
  readonly useSigstoreAttachments: boolean | undefined
}

export interface RegistriesD {
  readonly default: SignatureSettings | undefined
  readonly scopes: ReadonlyMap<string, SignatureSettings>
}

/** `$HOME/.config/containers/registries.d` where it exists, else the system's. */
export async function registriesDirectory(home: string, system = '/etc/containers/registries.d'): Promise<string> {
  const user = join(home, '.config/containers/registries.d')
  try {
    await stat(user)
    return user
  } catch {
    return system
  }
}

/**
 * A directory that does not exist configures nothing.
 *
 * @throws {AirliftError} `REGISTRIES_CONF_INVALID`.
 */
export async function loadRegistriesD(
  directory: string,
  { signal }: { readonly signal: AbortSignal },
): Promise<RegistriesD> {
  const files: { readonly file: string; readonly text: string }[] = []
  for (const file of await listRegistriesD(directory)) {
    try {
      files.push({ file, text: (await readBounded(file, { signal })).toString('utf8') })
    } catch (error) {
      if (signal.aborted) throw error
      throw invalid(`reading ${file} failed`, file, error)
    }
  }
  return mergeRegistriesD(files)
}

/** The files that count, in order. */
export async function listRegistriesD(directory: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(directory, { withFileTypes: true })
    return entries
      .filter((entry) => !entry.isDirectory() && entry.name.endsWith('.yaml'))
      .map(({ name }) => join(directory, name))
      .toSorted()
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return []
    throw invalid(`reading ${directory} failed`, directory, error)
  }
}

/**
 * Pure.
 *
 * @throws {AirliftError} `REGISTRIES_CONF_INVALID` for a file that is not valid, or a scope in two files.
 */
export function mergeRegistriesD(files: readonly { readonly file: string; readonly text: string }[]): RegistriesD {
  let byDefault: SignatureSettings | undefined
  let defaultFrom = ''
  const scopes = new Map<string, SignatureSettings>()
  const scopeFrom = new Map<string, string>()
  for (const { file, text } of files) {
    const content = parseFile(file, text)
    if (content?.['default-docker'] !== undefined && content['default-docker'] !== null) {
      if (byDefault !== undefined) throw conflict('"default-docker"', defaultFrom, file)
      byDefault = settingsOf(content['default-docker'])
      defaultFrom = file
    }
    for (const [scope, section] of Object.entries(content?.docker ?? {})) {
      const other = scopeFrom.get(scope)
      if (other !== undefined) throw conflict(`"docker" namespace ${JSON.stringify(scope)}`, other, file)
      scopes.set(scope, settingsOf(section))
      scopeFrom.set(scope, file)
    }
  }
  return { default: byDefault, scopes }
}

/** For a physical image: the one that is really read or written. Pure. */
export function signatureSettings(conf: RegistriesD, image: Reference): SignatureSettings {
  const sections = [...imageScopes(image).map((scope) => conf.scopes.get(scope)), conf.default]
  const lookaside = sections.find((section) => section?.lookaside !== undefined)?.lookaside
  return {
    ...(lookaside !== undefined && { lookaside }),
    useSigstoreAttachments: sections.find((section) => section?.useSigstoreAttachments !== undefined)
      ?.useSigstoreAttachments,
  }
}

function parseFile(file: string, text: string): z.output<typeof fileSchema> {
  try {
    const document = parseDocument(text, { prettyErrors: true })
    const [error] = document.errors
    if (error !== undefined) throw error
    const result = fileSchema.safeParse(document.toJS({ maxAliasCount: 100 }))
    if (result.success) return result.data
    const [issue] = result.error.issues
    throw new Error(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not valid'}`)
  } catch (error) {
    if (isAirliftError(error)) throw error
    throw invalid(
      `parsing ${file}: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`,
      file,
      error,
    )
  }
}

function settingsOf(section: z.output<typeof sectionSchema>): SignatureSettings {
  const lookaside = section?.lookaside || section?.sigstore || ''
  return {
    ...(lookaside !== '' && { lookaside }),
    useSigstoreAttachments: section?.['use-sigstore-attachments'] ?? undefined,
  }
}

function conflict(what: string, first: string, second: string): AirliftError {
  return invalid(
    `Error parsing signature storage configuration: ${what} defined both in "${first}" and "${second}"`,
    second,
  )
}

function invalid(message: string, place: string, cause?: unknown): AirliftError {
  return new AirliftError('REGISTRIES_CONF_INVALID', message, {
    hint: `correct ${place}`,
    ...(cause !== undefined && { cause }),
  })
}
