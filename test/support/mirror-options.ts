/** Options of a run in this process, as the command line makes them. */
import { join } from 'node:path'
import type { MirrorOptions } from '../../src/workflow/mirror-options.ts'

const ACCESS = { authFile: undefined, certDir: undefined, isAnonymous: false }

/** Plain HTTP on both sides, no second attempt, workspace in `workspace`. */
export function mirrorOptions(
  given: Pick<MirrorOptions, 'configFile' | 'destination'> & { readonly workspace: string },
  overrides: Partial<MirrorOptions> = {},
): MirrorOptions {
  const { workspace, ...required } = given
  return {
    ...required,
    workingDir: join(workspace, 'working-dir'),
    from: [],
    outputs: [],
    partial: false,
    since: undefined,
    strictArchive: false,
    dryRun: 'off',
    maxNestedPaths: 0,
    parallelImages: 2,
    parallelLayers: 2,
    retryTimes: 0,
    retryDelayMs: 0,
    stallTimeoutMs: 10_000,
    sourceTlsVerify: false,
    targetTlsVerify: false,
    source: ACCESS,
    target: ACCESS,
    registriesD: undefined,
    securePolicy: false,
    policyFile: undefined,
    removeSignatures: false,
    cumulativeResources: false,
    keepGoing: false,
    cacheDir: undefined,
    port: 55_000,
    logLevel: 'info',
    version: '0.0.0',
    ...overrides,
  }
}
