/**
 * Parses one file of `registries.conf`, in format 2 or in format 1, which is converted. Pure.
 *
 * One broken table makes the whole file invalid; unknown keys are left out. Messages are those of containers/image.
 *
 * Spec: https://github.com/containers/image/blob/v5.36.2/docs/containers-registries.conf.5.md
 */
import { parse, TomlError } from 'smol-toml'
import { z } from 'zod'
import { AirliftError } from '../base/errors.ts'
import type { MirrorUse, RegistriesConfFile, RegistryMirror, RegistryTable } from './registries-conf-types.ts'

const endpointSchema = z.object({
  location: z.string().default(''),
  insecure: z.boolean().default(false),
  'pull-from-mirror': z.string().default(''),
})
const tableSchema = endpointSchema.extend({
  prefix: z.string().default(''),
  blocked: z.boolean().default(false),
  'mirror-by-digest-only': z.boolean().default(false),
  mirror: z.array(endpointSchema).default([]),
})
const listSchema = z.object({ registries: z.array(z.string()).default([]) }).default({ registries: [] })
const fileSchema = z.object({
  registry: z.array(tableSchema).optional(),
  'unqualified-search-registries': z.array(z.string()).optional(),
  'credential-helpers': z.array(z.string()).optional(),
  'short-name-mode': z.string().default(''),
  aliases: z.record(z.string(), z.string()).optional(),
  registries: z.object({ search: listSchema, insecure: listSchema, block: listSchema }).optional(),
})

type TableInput = z.output<typeof tableSchema>
type FileInput = z.output<typeof fileSchema>

const SHORT_NAME_MODES = ['', 'disabled', 'permissive', 'enforcing']
const MIRROR_USES = ['all', 'digest-only', 'tag-only'] as const satisfies readonly MirrorUse[]
const HOST = /^(?:\[[0-9a-f:.]+\]|[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)(?::\d+)?$/
const HELPER_NAME = /^[A-Za-z0-9_.-]+$/

/** A rule of the format that is broken; the file is added where it is known. */
class RuleError extends Error {
  override readonly name = 'RuleError'
}

/** @throws {AirliftError} `REGISTRIES_CONF_INVALID`, naming `file` and what is wrong in it. */
export function parseRegistriesConf(text: string, file: string): RegistriesConfFile {
  try {
    return convert(readToml(text))
  } catch (error) {
    if (!(error instanceof RuleError)) throw error
    throw new AirliftError('REGISTRIES_CONF_INVALID', `loading registries configuration "${file}": ${error.message}`, {
      hint: `correct ${file}`,
    })
  }
}

function readToml(text: string): FileInput {
  try {
    const result = fileSchema.safeParse(parse(text))
    if (result.success) return result.data
    const [issue] = result.error.issues
    throw new RuleError(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not valid'}`)
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    throw new RuleError(`line ${error.line}, column ${error.column}: ${error.message.split('\n')[0] ?? ''}`)
  }
}

function convert(input: FileInput): RegistriesConfFile {
  const first = input.registries
  const isV1 = first !== undefined && [first.search, first.insecure, first.block].some((l) => l.registries.length > 0)
  if (isV1 && (input.registry !== undefined || input['unqualified-search-registries'] !== undefined)) {
    throw new RuleError('mixing sysregistry v1/v2 is not supported')
  }
  checkSearch((isV1 ? first.search.registries : input['unqualified-search-registries']) ?? [])
  if (!SHORT_NAME_MODES.includes(input['short-name-mode'])) {
    throw new RuleError(`invalid short-name mode: ${JSON.stringify(input['short-name-mode'])}`)
  }
  const helpers = input['credential-helpers']
  for (const helper of helpers ?? []) {
    if (!HELPER_NAME.test(helper)) throw new RuleError(`invalid credential-helpers entry ${JSON.stringify(helper)}`)
  }
  const tables = isV1 ? tablesOfV1(first) : (input.registry ?? []).map(convertTable)
  checkConflicts(tables)
  return {
    format: isV1 ? 'v1' : 'v2',
    registries: uniquePrefixes(tables),
    ...(helpers !== undefined && { credentialHelpers: helpers }),
  }
}

function checkSearch(entries: readonly string[]): void {
  for (const entry of entries) {
    const host = normalizeLocation(entry)
    if (!HOST.test(host)) throw new RuleError(`Invalid unqualified-search-registries entry ${JSON.stringify(host)}`)
  }
}

function tablesOfV1(lists: NonNullable<FileInput['registries']>): RegistryTable[] {
  const blocked = lists.block.registries.map(normalizeLocation)
  const insecure = lists.insecure.registries.map(normalizeLocation)
  return [...new Set([...blocked, ...insecure])].map((location) => ({
    prefix: location,
    location,
    insecure: insecure.includes(location),
    blocked: blocked.includes(location),
    mirrors: [],
  }))
}

function convertTable(input: TableInput): RegistryTable {
  const location = normalizeLocation(input.location)
  const prefix = normalizeLocation(input.prefix) || location
  const name = JSON.stringify(prefix)
  if (prefix === '') throw new RuleError('invalid condition: both location and prefix are unset')
  if (location === '' && !prefix.startsWith('*.')) {
    throw new RuleError('invalid condition: location is unset and prefix is not in the format: *.example.com')
  }
  if (prefix.startsWith('*.') && /[/@:]/.test(prefix)) {
    throw new RuleError(
      `Wildcarded prefix should be in the format: *.example.com. Current prefix ${name} is incorrectly formatted`,
    )
  }
  if (input['pull-from-mirror'] !== '') {
    throw new RuleError(`pull-from-mirror must not be set for a non-mirror registry ${name}`)
  }
  const mirrors = input.mirror.map((mirror) => convertMirror(mirror, prefix, input['mirror-by-digest-only']))
  return { prefix, location, insecure: input.insecure, blocked: input.blocked, mirrors }
}

function convertMirror(input: z.output<typeof endpointSchema>, prefix: string, digestOnly: boolean): RegistryMirror {
  const location = normalizeLocation(input.location)
  const name = JSON.stringify(location)
  const asked = input['pull-from-mirror']
  if (location === '') throw new RuleError('invalid condition: mirror location is unset')
  if (digestOnly && asked !== '') {
    throw new RuleError(
      `cannot set mirror usage mirror-by-digest-only for the registry (${JSON.stringify(prefix)}) and pull-from-mirror for per-mirror (${name}) at the same time`,
    )
  }
  const use = asked === '' ? 'all' : MIRROR_USES.find((known) => known === asked)
  if (use === undefined) {
    throw new RuleError(`unsupported pull-from-mirror value ${JSON.stringify(asked)} for mirror ${name}`)
  }
  return { location, insecure: input.insecure, use: digestOnly ? 'digest-only' : use }
}

/** Without slashes at the end, and with the host in lower case, as references have it. */
function normalizeLocation(input: string): string {
  if (/^https?:\/\//.test(input)) throw new RuleError(`invalid location '${input}': URI schemes are not supported`)
  let end = input.length
  while (input[end - 1] === '/') end -= 1
  const trimmed = input.slice(0, end)
  const slash = trimmed.indexOf('/')
  return slash < 0 ? trimmed.toLowerCase() : trimmed.slice(0, slash).toLowerCase() + trimmed.slice(slash)
}

/** Tables may share a location, but then not disagree on how to treat it. */
function checkConflicts(tables: readonly RegistryTable[]): void {
  const seen = new Map<string, RegistryTable>()
  for (const table of tables) {
    const place = table.location || table.prefix
    const other = seen.get(place) ?? table
    seen.set(place, other)
    for (const setting of ['insecure', 'blocked'] as const) {
      if (table[setting] !== other[setting]) {
        throw new RuleError(`registry '${place}' is defined multiple times with conflicting '${setting}' setting`)
      }
    }
  }
}

/** The first table of a prefix wins. */
function uniquePrefixes(tables: readonly RegistryTable[]): RegistryTable[] {
  const byPrefix = new Map<string, RegistryTable>()
  for (const table of tables) if (!byPrefix.has(table.prefix)) byPrefix.set(table.prefix, table)
  return [...byPrefix.values()].toSorted((a, b) => (a.prefix < b.prefix ? -1 : 1))
}
