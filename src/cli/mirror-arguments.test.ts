import { describe, expect, it } from 'vitest'
import type { FlagValues } from './flag-values.ts'
import { readMirrorArguments } from './mirror-arguments.ts'

const SURROUNDINGS = { env: { HOME: '/home/ada' }, cwd: '/srv' }
const DEFAULTS: FlagValues = {
  config: 'isc.yaml',
  'parallel-images': 4,
  'parallel-layers': 5,
  'retry-times': 5,
  'retry-delay': 0,
  'image-timeout': 600_000,
  'max-nested-paths': 0,
  port: 55_000,
  'log-level': 'info',
}
const TARGET = 'docker://registry.example:5000/ocp'

function read(values: FlagValues, ...destinations: string[]): ReturnType<typeof readMirrorArguments> {
  return readMirrorArguments({ ...DEFAULTS, ...values }, destinations, SURROUNDINGS)
}

describe('readMirrorArguments', () => {
  it.each([
    [{}, 'file://out', { mode: 'mirror-to-disk', workingDir: '/srv/out/working-dir' }],
    [{}, 'file:///data/helm-mirror', { mode: 'mirror-to-disk', workingDir: '/data/helm-mirror/working-dir' }],
    [{ from: ['file:///in'] }, TARGET, { mode: 'disk-to-mirror', workingDir: '/in/working-dir' }],
    [{ workspace: 'file://./ws' }, TARGET, { mode: 'mirror-to-mirror', workingDir: '/srv/ws/working-dir' }],
    [{ workspace: 'file:///w/working-dir' }, TARGET, { mode: 'mirror-to-mirror', workingDir: '/w/working-dir' }],
  ] as const)('takes %j %s', (values, destination, { mode, workingDir }) => {
    const result = read(values, destination)

    expect({ mode: result.mode, workingDir: result.options.workingDir }).toEqual({ mode, workingDir })
  })

  it.each([
    ['docker://registry.example:5000/ocp/mirror', 'registry.example:5000', 'ocp/mirror'],
    ['docker://Registry.Example/', 'registry.example', ''],
    ['docker://localhost', 'localhost', ''],
    ['docker://[::1]:5000/a', '[::1]:5000', 'a'],
  ])('reads the registry and namespace of %s', (destination, registry, namespace) => {
    expect(read({ workspace: 'file://w' }, destination).options.destination).toEqual({
      kind: 'registry',
      registry,
      namespace,
    })
  })

  it('takes --tls-verify for the side that has no flag of its own', () => {
    const { options } = read({ workspace: 'file://w', 'tls-verify': false, 'dest-tls-verify': true }, TARGET)

    expect([options.sourceTlsVerify, options.targetTlsVerify]).toEqual([false, true])
  })

  it.each([
    [{}, {}, '/home/ada/.oc-mirror/.cache'],
    [{}, { OC_MIRROR_CACHE: '/cache' }, '/cache/.oc-mirror/.cache'],
    [{ 'cache-dir': 'c' }, {}, '/srv/c/.oc-mirror/.cache'],
  ])('looks for the cache of an earlier oc-mirror with %j %j', (values, env, expected) => {
    const surroundings = { ...SURROUNDINGS, env: { ...SURROUNDINGS.env, ...env } }

    const { options } = readMirrorArguments({ ...DEFAULTS, ...values }, ['file://a'], surroundings)

    expect(options.cacheDir).toBe(expected)
  })

  it('reads every option', () => {
    expect(
      read(
        {
          workspace: 'file:///w',
          'dry-run-manifest-lists': true,
          authfile: 'auth.json',
          'registries.d': '/rd',
          policy: 'policy.json',
          'secure-policy': true,
          'remove-signatures': true,
          'cumulative-resources': true,
          'keep-going': true,
          'log-level': 'trace',
        },
        TARGET,
      ).options,
    ).toMatchObject({
      configFile: 'isc.yaml',
      dryRun: 'mapping-with-manifests',
      maxNestedPaths: 0,
      parallelImages: 4,
      parallelLayers: 5,
      retryTimes: 5,
      retryDelayMs: 0,
      stallTimeoutMs: 600_000,
      sourceTlsVerify: true,
      targetTlsVerify: true,
      source: { authFile: 'auth.json', certDir: undefined, isAnonymous: false },
      target: { authFile: 'auth.json', certDir: undefined, isAnonymous: false },
      registriesD: '/rd',
      securePolicy: true,
      policyFile: 'policy.json',
      removeSignatures: true,
      cumulativeResources: true,
      keepGoing: true,
      port: 55_000,
      logLevel: 'trace',
    })
  })

  it('lets flags of one side go before those of both', () => {
    const flags = { authfile: 'both.json', 'src-authfile': 'src.json', 'src-cert-dir': 'certs', 'dest-no-creds': true }

    expect(read({ workspace: 'file://w', ...flags }, TARGET).options).toMatchObject({
      source: { authFile: 'src.json', certDir: '/srv/certs', isAnonymous: false },
      target: { authFile: 'both.json', certDir: undefined, isAnonymous: true },
    })
  })

  it.each<[FlagValues, string[], string]>([
    [{}, [], 'requires at least 1 arg(s), only received 0'],
    [{ workspace: '/w' }, [TARGET], 'when --workspace is used, it must have file:// prefix'],
    [{ 'log-level': 'loud' }, ['file://a'], '"loud": invalid log-level, it should be one of (info,debug,trace,error)'],
    [{ config: undefined }, ['file://a'], 'use the --config flag it is mandatory'],
    [{ from: ['file:///in', '/in'] }, [TARGET], 'when --from is used, it must have file:// prefix'],
    [{ since: 'yesterday' }, ['file://a'], '--since flag needs to be in format yyyy-MM-dd'],
    [{ since: '2026-02-30' }, ['file://a'], '--since flag needs to be in format yyyy-MM-dd'],
    [{ 'parallel-images': 11 }, ['file://a'], 'the flag parallel-images must be between the range 1 to 10'],
    [{ 'parallel-layers': 0 }, ['file://a'], 'the flag parallel-layers must be between the range 1 to 10'],
    [
      { 'dry-run': true, 'dry-run-manifest-lists': true },
      ['file://a'],
      '--dry-run and --dry-run-manifest-lists cannot be used together',
    ],
    [
      { from: ['file://b'] },
      ['file://a'],
      'when destination is file://, mirrorToDisk workflow is assumed, and the --from argument is not needed',
    ],
    [
      { workspace: 'file://b' },
      ['file://a'],
      'when destination is file://, mirrorToDisk workflow is assumed, and the --workspace argument is not needed',
    ],
    [
      { from: ['file://a'], workspace: 'file://b' },
      [TARGET],
      'when destination is docker://, --from (assumes disk to mirror workflow) and --workspace (assumes mirror to mirror workflow) cannot be used together',
    ],
    [
      {},
      [TARGET],
      'when destination is docker://, either --from (assumes disk to mirror workflow) or --workspace (assumes mirror to mirror workflow) need to be provided',
    ],
    [
      {},
      ['ftp://x'],
      'destination must have either file:// (mirror to disk) or docker:// (diskToMirror) protocol prefixes',
    ],
    [{ output: 'xml' }, ['file://a'], '--output xml: the only format of a run is json'],
    [{}, ['file://'], 'file:// names no directory'],
    [{ workspace: 'file://w' }, ['docker://registry/a'], 'docker://registry/a names no registry'],
    [{ workspace: 'file://w' }, ['docker://r.io/A'], 'docker://r.io/A has no valid namespace'],
    [{ workspace: 'file://w' }, ['docker://r.io/a:tag'], 'docker://r.io/a:tag has no valid namespace'],
  ])('refuses %j %j', (values, destinations, message) => {
    expect(() => read(values, ...destinations)).toThrow(expect.objectContaining({ code: 'FLAG_INVALID', message }))
  })

  it('refuses a cache that is named twice', () => {
    const surroundings = { ...SURROUNDINGS, env: { OC_MIRROR_CACHE: '/cache' } }

    expect(() => readMirrorArguments({ ...DEFAULTS, 'cache-dir': '/c' }, ['file://a'], surroundings)).toThrow(
      'either OC_MIRROR_CACHE or --cache-dir can be used but not both',
    )
  })

  it('names a bad flag before a bad destination, as the original does', () => {
    expect(() => read({ since: 'x', 'log-level': 'loud' }, 'ftp://x')).toThrow('invalid log-level')
    expect(() => read({ since: 'x' }, 'ftp://x')).toThrow('--since')
  })
})
