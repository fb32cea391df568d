/**
 * What a `registries.conf` means for one image: which physical repositories to try, and how. Pure.
 *
 * The match is on the name without tag and digest. The longest prefix wins, and only its table applies.
 *
 * Spec: https://github.com/containers/image/blob/v5.36.2/docs/containers-registries.conf.5.md
 */
import { AirliftError } from '../base/errors.ts'
import { formatRepository, isRegistry, isRepository } from '../oci/reference.ts'
import type { Reference, RepositoryName } from '../oci/reference.ts'
import type { RegistriesConf, RegistryMirror, RegistryTable } from './registries-conf-types.ts'

/** One physical repository that a read may go to. */
export interface PullSource {
  readonly name: RepositoryName
  /** Certificates are not verified, and plain HTTP is allowed. */
  readonly insecure: boolean
  readonly blocked: boolean
  readonly isMirror: boolean
}

export interface RegistryEndpoint {
  readonly insecure: boolean
  readonly blocked: boolean
}

/**
 * Length of the part of `name` that `prefix` covers, or -1.
 *
 * A prefix without a port also covers the same host with any port.
 */
export function matchPrefix(name: string, prefix: string): number {
  const wanted = prefix.startsWith('*.') ? prefix.slice(1) : prefix
  const start = name.indexOf(wanted)
  if (start < 0 || (wanted === prefix ? start > 0 : name.slice(0, start).includes('/'))) return -1
  const end = start + wanted.length
  return end === name.length || ':/@'.includes(name[end] ?? '') ? end : -1
}

/** The table that applies to a name such as `quay.io/org/image`, if any. */
export function findRegistry(conf: Pick<RegistriesConf, 'registries'>, name: string): RegistryTable | undefined {
  let best: RegistryTable | undefined
  for (const table of conf.registries) {
    if (table.prefix.length > (best?.prefix.length ?? 0) && matchPrefix(name, table.prefix) >= 0) best = table
  }
  return best
}

/**
 * Where to read `reference`, in the order to try: the mirrors that serve it, then the primary.
 *
 * `blocked` is that of each physical name, so mirrors of a blocked source are still tried.
 *
 * @throws {AirliftError} `REGISTRIES_CONF_INVALID` where a rewritten name is none.
 */
export function pullSources(conf: RegistriesConf, reference: Reference): readonly PullSource[] {
  const table = findRegistry(conf, formatRepository(reference))
  if (table === undefined) {
    return [
      {
        name: { registry: reference.registry, repository: reference.repository },
        insecure: false,
        blocked: false,
        isMirror: false,
      },
    ]
  }
  const mirrors = table.mirrors.filter((mirror) => serves(mirror, reference))
  return [...mirrors.map((mirror) => ({ ...mirror, isMirror: true })), { ...table, isMirror: false }].map(
    ({ location, insecure, isMirror }) => {
      const name = rewrite(conf, table, { location, reference })
      return { name, insecure, blocked: endpointOf(conf, name).blocked, isMirror }
    },
  )
}

/** How to treat a physical repository that is written to, or asked for tags: mirrors do not count. */
export function endpointOf(conf: Pick<RegistriesConf, 'registries'>, name: RepositoryName): RegistryEndpoint {
  const table = findRegistry(conf, formatRepository(name))
  return { insecure: table?.insecure ?? false, blocked: table?.blocked ?? false }
}

function serves({ use }: RegistryMirror, reference: Reference): boolean {
  return use === 'all' || (use === 'digest-only') === (reference.digest !== undefined)
}

function rewrite(
  conf: RegistriesConf,
  table: RegistryTable,
  { location, reference }: { readonly location: string; readonly reference: Reference },
): RepositoryName {
  if (location === '') return { registry: reference.registry, repository: reference.repository }
  const logical = formatRepository(reference)
  const physical = location + logical.slice(matchPrefix(logical, table.prefix))
  const slash = physical.indexOf('/')
  const name = { registry: physical.slice(0, Math.max(slash, 0)), repository: physical.slice(slash + 1) }
  if (!isRegistry(name.registry) || !isRepository(name.repository)) {
    throw new AirliftError(
      'REGISTRIES_CONF_INVALID',
      `rewriting "${logical}" for location "${location}" gives "${physical}", which is no repository`,
      { hint: `correct prefix "${table.prefix}" in ${conf.file} or ${conf.directories.join(', ')}` },
    )
  }
  return name
}
