/**
 * From flags, arguments and environment to the options of a mirror run. Pure.
 *
 * Checks come in the order of `oc-mirror` v2, with its words where it has any:
 * scripts and people know them. Paths with its internal words in them
 * (`file:///data/helm-mirror`) are no mistake here.
 */
import { basename, join, resolve } from 'node:path'
import { AirliftError } from '../base/errors.ts'
import { isRegistry, isRepository } from '../oci/reference.ts'
import type { Destination, LogLevel, MirrorOptions, SideAccess } from '../workflow/mirror-options.ts'
import type { FlagValues } from './flag-values.ts'
import { LOG_LEVELS } from './flags.ts'
import { VERSION } from './version.ts'

type Mode = 'mirror-to-disk' | 'disk-to-mirror' | 'mirror-to-mirror'

export interface MirrorArguments {
  readonly mode: Mode
  readonly options: MirrorOptions
}

export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
}

const FILE = 'file://'
const DOCKER = 'docker://'

/** @throws {AirliftError} `FLAG_INVALID`. */
export function readMirrorArguments(
  values: FlagValues,
  destinations: readonly string[],
  surroundings: Surroundings,
): MirrorArguments {
  const [destination] = destinations
  if (destination === undefined) {
    throw invalid(
      'requires at least 1 arg(s), only received 0',
      'name the destination: file://DIR or docker://REGISTRY[/NAMESPACE]',
    )
  }
  checkSetup(values, surroundings)
  checkFlags(values)
  const mode = modeOf(destination, values)
  return { mode, options: toOptions(values, { mode, destination, surroundings }) }
}

function checkSetup(values: FlagValues, { env }: Surroundings): void {
  const workspace = text(values, 'workspace')
  if (workspace !== undefined && !workspace.startsWith(FILE)) {
    throw invalid('when --workspace is used, it must have file:// prefix')
  }
  logLevelOf(values)
  if (text(values, 'cache-dir') !== undefined && (env['OC_MIRROR_CACHE'] ?? '') !== '') {
    throw invalid('either OC_MIRROR_CACHE or --cache-dir can be used but not both')
  }
}

function logLevelOf(values: FlagValues): LogLevel {
  const given = text(values, 'log-level') ?? ''
  const level = LOG_LEVELS.find((name) => name === given)
  if (level !== undefined) return level
  throw invalid(`${JSON.stringify(given)}: invalid log-level, it should be one of (${LOG_LEVELS.join(',')})`)
}

function checkFlags(values: FlagValues): void {
  if (text(values, 'config') === undefined) throw invalid('use the --config flag it is mandatory')
  if (list(values, 'from').some((from) => !from.startsWith(FILE)))
    throw invalid('when --from is used, it must have file:// prefix')
  const since = text(values, 'since')
  if (since !== undefined && !isDate(since)) throw invalid('--since flag needs to be in format yyyy-MM-dd')
  for (const name of ['parallel-layers', 'parallel-images']) {
    const count = number(values, name)
    if (count < 1 || count > 10) throw invalid(`the flag ${name} must be between the range 1 to 10`)
  }
  if (isOn(values, 'dry-run') && isOn(values, 'dry-run-manifest-lists')) {
    throw invalid('--dry-run and --dry-run-manifest-lists cannot be used together')
  }
  const output = text(values, 'output')
  if (output !== undefined && output !== 'json') throw invalid(`--output ${output}: the only format of a run is json`)
}

function isDate(value: string): boolean {
  const date = /^\d{4}-\d{2}-\d{2}$/.test(value) ? new Date(`${value}T00:00:00Z`) : new Date(Number.NaN)
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(value)
}

function modeOf(destination: string, values: FlagValues): Mode {
  const hasFrom = list(values, 'from').length > 0
  const hasWorkspace = text(values, 'workspace') !== undefined
  if (destination.startsWith(FILE)) {
    const assumed = 'when destination is file://, mirrorToDisk workflow is assumed, and the'
    if (hasFrom) throw invalid(`${assumed} --from argument is not needed`)
    if (hasWorkspace) throw invalid(`${assumed} --workspace argument is not needed`)
    refuseReadingFlags(values)
    return 'mirror-to-disk'
  }
  if (destination.startsWith(DOCKER)) {
    const both = '--from (assumes disk to mirror workflow)'
    const workspace = '--workspace (assumes mirror to mirror workflow)'
    if (hasFrom && hasWorkspace)
      throw invalid(`when destination is docker://, ${both} and ${workspace} cannot be used together`)
    if (!hasFrom && !hasWorkspace)
      throw invalid(`when destination is docker://, either ${both} or ${workspace} need to be provided`)
    if (!hasFrom) refuseReadingFlags(values)
    return hasFrom ? 'disk-to-mirror' : 'mirror-to-mirror'
  }
  throw invalid(
    'destination must have either file:// (mirror to disk) or docker:// (diskToMirror) protocol prefixes',
    `${JSON.stringify(destination.slice(0, 200))} is neither a command nor a destination: see --help`,
  )
}

/** Ignored, they would leave files in a place that nobody asked for, or an image out. */
function refuseReadingFlags(values: FlagValues): void {
  const given = ['output-dir', 'partial'].find((name) => values[name] !== undefined && values[name] !== false)
  if (given !== undefined) throw invalid(`--${given} is for runs that read archives, with --from`)
}

interface Parts {
  readonly mode: Mode
  readonly destination: string
  readonly surroundings: Surroundings
}

function toOptions(values: FlagValues, { mode, destination, surroundings }: Parts): MirrorOptions {
  const from = mode === 'disk-to-mirror' ? list(values, 'from').map((url) => directoryOf(url, surroundings)) : []
  const output = text(values, 'output-dir')
  const outputs = output === undefined ? from : [resolve(surroundings.cwd, output)]
  const root = mode === 'mirror-to-disk' ? destination : (text(values, 'workspace') ?? '')
  const directory = outputs[0] ?? directoryOf(root, surroundings)
  const isWorkingDir = mode === 'mirror-to-mirror' && basename(directory) === 'working-dir'
  const tlsVerify = values['tls-verify'] !== false
  const cacheRoot = text(values, 'cache-dir') ?? (surroundings.env['OC_MIRROR_CACHE'] || surroundings.env['HOME'])
  return {
    configFile: text(values, 'config') ?? '',
    destination: mode === 'mirror-to-disk' ? { kind: 'disk', directory } : registryOf(destination),
    workingDir: isWorkingDir ? directory : join(directory, 'working-dir'),
    from,
    outputs,
    partial: isOn(values, 'partial'),
    since: text(values, 'since'),
    strictArchive: isOn(values, 'strict-archive'),
    dryRun: isOn(values, 'dry-run-manifest-lists')
      ? 'mapping-with-manifests'
      : isOn(values, 'dry-run')
        ? 'mapping'
        : 'off',
    maxNestedPaths: number(values, 'max-nested-paths'),
    parallelImages: number(values, 'parallel-images'),
    parallelLayers: number(values, 'parallel-layers'),
    retryTimes: number(values, 'retry-times'),
    retryDelayMs: number(values, 'retry-delay'),
    stallTimeoutMs: number(values, 'image-timeout'),
    sourceTlsVerify: values['src-tls-verify'] === undefined ? tlsVerify : isOn(values, 'src-tls-verify'),
    targetTlsVerify: values['dest-tls-verify'] === undefined ? tlsVerify : isOn(values, 'dest-tls-verify'),
    source: sideAccess(values, 'src', surroundings),
    target: sideAccess(values, 'dest', surroundings),
    registriesD: text(values, 'registries.d'),
    securePolicy: isOn(values, 'secure-policy'),
    policyFile: text(values, 'policy'),
    removeSignatures: isOn(values, 'remove-signatures'),
    cumulativeResources: isOn(values, 'cumulative-resources'),
    keepGoing: isOn(values, 'keep-going'),
    cacheDir: cacheRoot === undefined ? undefined : resolve(surroundings.cwd, cacheRoot, '.oc-mirror', '.cache'),
    port: number(values, 'port'),
    logLevel: logLevelOf(values),
    version: VERSION,
  }
}

function sideAccess(values: FlagValues, side: 'src' | 'dest', { cwd }: Surroundings): SideAccess {
  const given = ['creds', 'username', 'password', 'authfile'].filter(
    (name) => text(values, `${side}-${name}`) !== undefined,
  )
  const isAnonymous = isOn(values, `${side}-no-creds`)
  if (isAnonymous && given.length > 0)
    throw invalid(`--${side}-no-creds and --${side}-${given[0]} cannot be used together`)
  const certDir = text(values, `${side}-cert-dir`)
  return {
    authFile: text(values, `${side}-authfile`) ?? text(values, 'authfile'),
    certDir: certDir === undefined ? undefined : resolve(cwd, certDir),
    isAnonymous,
  }
}

function directoryOf(url: string, { cwd }: Surroundings): string {
  const path = url.slice(FILE.length)
  if (path === '')
    throw invalid('file:// names no directory', 'write it as file:///absolute/path or file://relative/path')
  return resolve(cwd, path)
}

function registryOf(destination: string): Destination {
  const [host = '', ...path] = destination.slice(DOCKER.length).replace(/\/$/, '').split('/')
  const [registry, namespace] = [host.toLowerCase(), path.join('/')]
  if (!isRegistry(registry)) {
    throw invalid(
      `${destination} names no registry`,
      'write it as docker://HOST[:PORT][/NAMESPACE], HOST with a dot or localhost',
    )
  }
  if (path.length > 0 && !isRepository(namespace)) {
    throw invalid(`${destination} has no valid namespace`, 'use lower case components, without tag or digest')
  }
  return { kind: 'registry', registry, namespace }
}

function text(values: FlagValues, name: string): string | undefined {
  const value = values[name]
  return typeof value === 'string' && value !== '' ? value : undefined
}

function list(values: FlagValues, name: string): readonly string[] {
  const value = values[name]
  return typeof value === 'object' ? value.filter((text) => text !== '') : []
}

function number(values: FlagValues, name: string): number {
  const value = values[name]
  if (typeof value !== 'number') throw new Error(`flag ${name} has no number`)
  return value
}

function isOn(values: FlagValues, name: string): boolean {
  return values[name] === true
}

function invalid(message: string, hint?: string): AirliftError {
  return new AirliftError('FLAG_INVALID', message, hint === undefined ? {} : { hint })
}
