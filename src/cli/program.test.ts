import { expect, it, describe } from 'vitest'
import { AirliftError } from '../base/errors.ts'
import type { MirrorOptions, RunContext } from '../workflow/mirror-options.ts'
import type { RunResult } from '../workflow/run-result.ts'
import type { CliContext } from './cli-context.ts'
import { MIRROR_FLAGS } from './flags.ts'
import { runCommandLine } from './program.ts'
import { VERSION } from './version.ts'

const BYTES = { total: 0, unique: 0, shared: 0, present: 0, reused: 0, mounted: 0, toFetch: 0 }
const RESULT: RunResult = {
  exitCode: 8,
  plan: {
    createdAt: '2026-01-16T11:15:20Z',
    images: [],
    unresolved: [],
    blocked: [],
    blobs: [],
    totals: { images: 0, present: 0, manifests: 0, blobs: 0, bytes: BYTES },
    warnings: [],
  },
  files: ['/w/mapping.txt'],
}
const WORKSPACE = ['-c', 'isc.yaml', '--workspace', 'file:///w', 'docker://mirror.example:5000/ns']

interface Run {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
  readonly calls: readonly {
    readonly workflow: string
    readonly options: MirrorOptions
    readonly context: RunContext
  }[]
}

async function run(args: readonly string[], more: Partial<CliContext> = {}): Promise<Run> {
  const [out, err]: [string[], string[]] = [[], []]
  const calls: { workflow: string; options: MirrorOptions; context: RunContext }[] = []
  const record =
    (workflow: string) =>
    async (options: MirrorOptions, context: RunContext): Promise<RunResult> => {
      calls.push({ workflow, options, context })
      return RESULT
    }
  const exitCode = await runCommandLine(args, {
    program: 'airlift',
    platform: 'linux/amd64',
    env: {},
    cwd: '/srv',
    signal: new AbortController().signal,
    now: () => new Date(0),
    stdout: { write: (text) => out.push(text) },
    stderr: { write: (text) => err.push(text) },
    loadWorkflows: async () => ({
      mirrorToDisk: record('mirrorToDisk'),
      diskToMirror: record('diskToMirror'),
      mirrorToMirror: record('mirrorToMirror'),
      planRun: record('planRun'),
    }),
    ...more,
  })
  return { exitCode, stdout: out.join(''), stderr: err.join(''), calls }
}

describe('the mirror command', () => {
  it('mirrors to a registry and exits as the run says', async () => {
    const { exitCode, calls } = await run([...WORKSPACE, '--parallel-images=2', '--retry-delay', '3s'])

    expect(exitCode).toBe(8)
    expect(calls.map(({ workflow }) => workflow)).toEqual(['mirrorToMirror'])
    expect(calls[0]?.options).toMatchObject({ parallelImages: 2, retryDelayMs: 3000, workingDir: '/w/working-dir' })
  })

  it.each([
    [[...WORKSPACE, '--dry-run'], 'mapping'],
    [['-c', 'isc.yaml', 'file://out', '--dry-run-manifest-lists', '--v2'], 'mapping-with-manifests'],
  ])('plans with %j', async (args, dryRun) => {
    const { calls, stdout } = await run(args)

    expect(calls.map(({ workflow, options }) => [workflow, options.dryRun])).toEqual([['planRun', dryRun]])
    expect(stdout).toContain('0 images (0 there already)')
    expect(stdout).toContain('/w/mapping.txt')
  })

  it.each([
    [['-c', 'isc.yaml', 'file://out'], 'mirrorToDisk', []],
    [['-c', 'isc.yaml', '--from=file://a', '--from', 'file:///b', 'docker://r.io'], 'diskToMirror', ['/srv/a', '/b']],
  ])('runs %j', async (args, workflow, from) => {
    const { calls } = await run(args)

    expect(calls.map((call) => [call.workflow, call.options.from])).toEqual([[workflow, from]])
  })

  it('takes the last value of a flag, and every spelling of the log level', async () => {
    const { calls } = await run([...WORKSPACE, '--loglevel', 'debug', '-p=1', '-p', '2'])

    expect(calls[0]?.options).toMatchObject({ logLevel: 'debug', port: 2 })
  })

  it('takes booleans as Go programs do', async () => {
    const { calls } = await run([...WORKSPACE, '--src-tls-verify=false', '--remove-signatures=true'])

    expect(calls[0]?.options).toMatchObject({
      sourceTlsVerify: false,
      targetTlsVerify: true,
      removeSignatures: true,
      securePolicy: false,
    })
  })

  it('warns of words that it ignores', async () => {
    const { stderr } = await run([...WORKSPACE, '1'])

    expect(stderr).toBe('warning: the argument "1" is ignored: a run has one destination\n')
  })

  it('prints the plan as one record for programs, and nothing for people', async () => {
    const { stdout, stderr } = await run([...WORKSPACE, '--dry-run', '--output', 'json'])

    expect(JSON.parse(stdout)).toEqual({ time: '1970-01-01T00:00:00.000Z', type: 'plan', plan: RESULT.plan })
    expect(stderr).toBe('')
  })

  it('ends the records of a run that fails with its error', async () => {
    const out: string[] = []
    const loadWorkflows = async (): Promise<never> => {
      throw new AirliftError('TIMEOUT', 'no answer')
    }

    await expect(
      run([...WORKSPACE, '--output=json'], { loadWorkflows, stdout: { write: (text) => out.push(text) } }),
    ).rejects.toMatchObject({ code: 'TIMEOUT' })
    expect(JSON.parse(out.join(''))).toMatchObject({ type: 'error', code: 'TIMEOUT', message: 'no answer' })
  })

  it('answers a refusal with the credentials of the command line once, then asks', async () => {
    const asked: string[] = []
    const { calls } = await run([...WORKSPACE, '--dest-creds', 'ada:secret'], {
      askCredentials: async (registry) => {
        asked.push(registry)
        return { username: 'typed', password: 'x' }
      },
    })
    const ask = calls[0]?.context.askCredentials

    expect(await ask?.('mirror.example', 'target')).toEqual({ username: 'ada', password: 'secret' })
    expect(await ask?.('mirror.example', 'target')).toEqual({ username: 'typed', password: 'x' })
    expect(await ask?.('quay.io', 'source')).toEqual({ username: 'typed', password: 'x' })
    expect(asked).toEqual(['mirror.example', 'quay.io'])
  })

  it('asks nobody where nobody is there', async () => {
    const { calls } = await run(WORKSPACE)

    expect(calls[0]?.context.askCredentials).toBeUndefined()
  })
})

describe('the parser', () => {
  it.each([
    [['--dry-rum', 'file://a'], 'unknown flag: --dry-rum', 'did you mean --dry-run?'],
    [['--zzzzzzzz'], 'unknown flag: --zzzzzzzz', 'see airlift --help'],
    [['-c'], 'flag needs an argument: -c, --config <file>', 'see airlift --help'],
    [['completion'], "missing required argument 'shell'", 'see airlift --help'],
    [
      [],
      'requires at least 1 arg(s), only received 0',
      'name the destination: file://DIR or docker://REGISTRY[/NAMESPACE]',
    ],
    [
      ['--parallel-images', 'many', 'file://a'],
      'invalid argument "many" for "--parallel-images" flag',
      'give a whole number, 0 or more',
    ],
  ])('refuses %j', async (args, message, hint) => {
    await expect(run(args)).rejects.toMatchObject({ code: 'FLAG_INVALID', message, hint })
  })

  it.each(MIRROR_FLAGS.filter(({ effect }) => effect === 'none'))(
    'accepts --$name, which has no effect',
    async (flag) => {
      const { calls } = await run([...WORKSPACE, `--${flag.name}`, ...(flag.type === 'boolean' ? [] : ['1'])])

      expect(calls).toHaveLength(1)
    },
  )
})

describe('help', () => {
  it('promises nothing that has no effect yet', async () => {
    const { stdout } = await run(['--help'])
    const idle = MIRROR_FLAGS.filter(({ effect }) => effect === 'later').map(({ name }) => `--${name}`)

    expect(idle).toContain('--ignore-release-signature')
    expect(idle.filter((name) => stdout.includes(`${name} `))).toEqual([])
    expect(stdout).not.toContain('no effect')
  })

  it('names every flag that is not hidden, and no other', async () => {
    const { stdout, exitCode } = await run(['--help'])
    const shown = [...stdout.matchAll(/^ {2}(?:-\w, )?--(?<name>[\w.-]+)/gm)].map(({ groups }) => groups?.['name'])

    expect(exitCode).toBe(0)
    expect(new Set(shown)).toEqual(
      new Set([...MIRROR_FLAGS.filter(({ hidden }) => hidden !== true).map(({ name }) => name), 'help', 'version']),
    )
  })

  it.each([['version'], ['completion']])('has examples for %s', async (command) => {
    expect((await run(['help', command])).stdout).toContain(`Examples:\n  `)
    expect((await run([command, '--help'])).stdout).toContain(`airlift ${command}`)
  })

  it('speaks of oc-mirror where it was called so', async () => {
    expect((await run(['--help'], { program: 'oc-mirror' })).stdout).toMatch(/^Usage: oc-mirror -c/)
  })
})

describe('version', () => {
  it.each([
    [['version'], `airlift ${VERSION} (linux/amd64), compatible with oc-mirror v2\n`],
    [['version', '--short'], `v${VERSION}\n`],
    [['--version'], `airlift version ${VERSION}\n`],
    [['-v'], `airlift version ${VERSION}\n`],
  ])('answers %j', async (args, expected) => {
    expect((await run(args)).stdout).toBe(expected)
  })

  it('answers programs with the keys of the original', async () => {
    const json = JSON.parse((await run(['version', '--output=json'])).stdout)
    const yaml = (await run(['version', '--output', 'yaml', '--v2'])).stdout

    expect(json).toMatchObject({ clientVersion: { gitVersion: `v${VERSION}`, platform: 'linux/amd64' } })
    expect(yaml).toContain(`clientVersion:\n  buildDate: ""\n`)
  })

  it('refuses other formats', async () => {
    await expect(run(['version', '--output', 'xml'])).rejects.toMatchObject({ code: 'FLAG_INVALID' })
  })
})
