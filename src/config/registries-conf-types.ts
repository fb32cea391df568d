/**
 * What `registries.conf` says, after parsing: types only.
 *
 * Spec: https://github.com/containers/image/blob/v5.36.2/docs/containers-registries.conf.5.md
 */

/** Which references a mirror serves. */
export type MirrorUse = 'all' | 'digest-only' | 'tag-only'

export interface RegistryMirror {
  /** `host[:port][/path]` that takes the place of the table's prefix. */
  readonly location: string
  readonly insecure: boolean
  readonly use: MirrorUse
}

/** One `[[registry]]` table. */
export interface RegistryTable {
  /** `host[:port][/path]` or `*.example.com`; unique in a configuration. */
  readonly prefix: string
  /** '' where the name stays as it is, which only a wildcard prefix may have. */
  readonly location: string
  readonly insecure: boolean
  readonly blocked: boolean
  /** In the order to try. */
  readonly mirrors: readonly RegistryMirror[]
}

/** One file. Absent fields leave those of earlier files as they are. */
export interface RegistriesConfFile {
  readonly format: 'v1' | 'v2'
  /** Sorted by prefix, each prefix once. */
  readonly registries: readonly RegistryTable[]
  readonly credentialHelpers?: readonly string[]
}

/** All files together. */
export interface RegistriesConf {
  /** Sorted by prefix, each prefix once. */
  readonly registries: readonly RegistryTable[]
  /** In the order to ask; `containers-auth.json` stands for the auth files. */
  readonly credentialHelpers: readonly string[]
  /** The main file and the drop-in directories, for messages: they need not exist. */
  readonly file: string
  readonly directories: readonly string[]
}
