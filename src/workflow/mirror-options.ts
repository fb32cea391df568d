/**
 * What a mirror command was asked to do: flags, environment and defaults, resolved once by the command line.
 */
import type { EventSink } from '../transfer/events.ts'

export type Destination =
  | { readonly kind: 'disk'; readonly directory: string }
  | { readonly kind: 'registry'; readonly registry: string; /** '' where none. */ readonly namespace: string }

export type LogLevel = 'error' | 'info' | 'debug' | 'trace'

/** How one side is entered, where the command line says so; the machine's own configuration otherwise. */
export interface SideAccess {
  /** The only auth file that is read. */
  readonly authFile: string | undefined
  /** Certificates and client pair for every registry of the side, in place of `certs.d`. */
  readonly certDir: string | undefined
  /** Use no credentials at all. */
  readonly isAnonymous: boolean
}

export interface MirrorOptions {
  readonly configFile: string
  readonly destination: Destination
  /** Absolute path of the `working-dir`. */
  readonly workingDir: string
  /** Directories with archives, absolute; empty unless they are what is mirrored. */
  readonly from: readonly string[]
  /** Directories for the `working-dir` of a run that reads archives, absolute: the first that can be written to takes it. */
  readonly outputs: readonly string[]
  /** Mirror what is whole of archives that are not. */
  readonly partial: boolean
  /** `2026-01-16`: earlier archives that were made on this day or later count as if they had not been made. */
  readonly since: string | undefined
  /** Refuse a blob that no volume of the configured size can hold. */
  readonly strictArchive: boolean
  readonly dryRun: 'off' | 'mapping' | 'mapping-with-manifests'
  readonly maxNestedPaths: number
  readonly parallelImages: number
  readonly parallelLayers: number
  readonly retryTimes: number
  readonly retryDelayMs: number
  /** An attempt that moves nothing for so long is given up, in milliseconds. */
  readonly stallTimeoutMs: number
  readonly sourceTlsVerify: boolean
  readonly targetTlsVerify: boolean
  readonly source: SideAccess
  readonly target: SideAccess
  readonly registriesD: string | undefined
  readonly securePolicy: boolean
  readonly policyFile: string | undefined
  readonly removeSignatures: boolean
  readonly cumulativeResources: boolean
  readonly keepGoing: boolean
  /** Read-only blob directory of an earlier `oc-mirror`, where there is one. */
  readonly cacheDir: string | undefined
  /** Shown in `mapping.txt` as the original's cache: `localhost:55000`. */
  readonly port: number
  readonly logLevel: LogLevel
  /** Of this program, as the log and the cluster resources name it. */
  readonly version: string
}

/** What the process gives a workflow. Only `main` reads it from `process`. */
export interface RunContext {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  readonly signal: AbortSignal
  readonly now: () => Date
  readonly onEvent: EventSink
  /** Asks the person for a user name and password; absent where nobody can be asked. */
  readonly askCredentials?: (
    registry: string,
    side: 'source' | 'target',
  ) => Promise<{ readonly username: string; readonly password: string } | undefined>
}
