/** Whole runs in this process, between two registries of ours: what a configuration and the flags bring about. */
import { generateKeyPairSync } from 'node:crypto'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { TransferEvent } from '../../src/transfer/events.ts'
import { startRegistryServer } from '../../src/server/registry-server.ts'
import { mirrorToMirror } from '../../src/workflow/mirror-to-mirror.ts'
import type { MirrorOptions, RunContext } from '../../src/workflow/mirror-options.ts'
import { planRun } from '../../src/workflow/plan-run.ts'
import type { RunResult } from '../../src/workflow/run-result.ts'
import { mirrorOptions } from '../support/mirror-options.ts'
import { startOurRegistry } from '../support/our-registry.ts'
import type { OurRegistry } from '../support/our-registry.ts'
import { pushImage } from '../support/push-image.ts'
import { attachReferrer, attachSignature, randomImage, randomIndex } from '../support/random-image.ts'
import type { BuiltImage } from '../support/random-image.ts'
import { tempDir } from '../support/temp-dir.ts'
import type { TempDir } from '../support/temp-dir.ts'

const PLATFORMS = [
  { os: 'linux', architecture: 'amd64' },
  { os: 'linux', architecture: 'arm64' },
]

let dir: TempDir
let source: OurRegistry
let target: OurRegistry

beforeEach(async () => {
  dir = await tempDir()
  source = await startOurRegistry(dir.join('source'))
  target = await startOurRegistry(dir.join('target'))
})

afterEach(async () => {
  await source[Symbol.asyncDispose]()
  await target[Symbol.asyncDispose]()
  await dir[Symbol.asyncDispose]()
})

async function push(repository: string, image: BuiltImage, tag?: string): Promise<void> {
  await pushImage(source.url, repository, { image, ...(tag !== undefined && { tag }) })
}

interface Run {
  readonly result: RunResult
  readonly events: readonly TransferEvent[]
}

/** `mirror` is the stanza's YAML, where SOURCE stands for the source registry. */
async function mirror(
  stanza: string,
  overrides: Partial<MirrorOptions> = {},
  context: Partial<RunContext> = {},
): Promise<Run> {
  const lines = stanza.trim().split('\n')
  const text = `kind: ImageSetConfiguration\napiVersion: mirror.openshift.io/v2alpha1\nmirror:\n${lines.map((line) => `  ${line}\n`).join('')}`
  await writeFile(dir.join('isc.yaml'), text.replaceAll('SOURCE', source.host))
  const events: TransferEvent[] = []
  const options = mirrorOptions(
    {
      configFile: dir.join('isc.yaml'),
      destination: { kind: 'registry', registry: target.host, namespace: 'ns' },
      workspace: dir.join('w'),
    },
    overrides,
  )
  const run = options.dryRun === 'off' ? mirrorToMirror : planRun
  const result = await run(options, {
    env: { HOME: dir.join('home') },
    cwd: dir.path,
    signal: new AbortController().signal,
    now: () => new Date('2026-01-16T11:15:20Z'),
    onEvent: (event) => events.push(event),
    ...context,
  })
  return { result, events }
}

async function write(name: string, text: string): Promise<string> {
  await mkdir(dirname(dir.join(name)), { recursive: true })
  await writeFile(dir.join(name), text)
  return dir.join(name)
}

async function tagsOf(repository: string): Promise<readonly string[]> {
  const answer = await fetch(`${target.url}/v2/${repository}/tags/list`)
  return answer.status === 404 ? [] : ((await answer.json()) as { tags: string[] }).tags
}

describe('what a configuration names', () => {
  it('arrives under its tag, its digest, or the name that it is given', async () => {
    const image = randomImage({ seed: 1 })
    const { digest } = image.manifest.descriptor
    await push('a/one', image, 'v1')

    const { result } = await mirror(`
additionalImages:
- name: SOURCE/a/one:v1
- name: SOURCE/a/one@${digest}
- name: SOURCE/a/one:v1@${digest}
  targetRepo: other/place
- name: docker://SOURCE/a/one:v1
  targetTag: fancy
`)

    expect(result.exitCode).toBe(0)
    expect((await tagsOf('ns/a/one')).toSorted()).toEqual(['fancy', digest.replace(':', '-'), 'v1'])
    expect(await tagsOf('ns/other/place')).toEqual(['v1'])
  })

  it('comes from a layout on disk too', async () => {
    const image = randomImage({ seed: 1 })
    for (const [digest, bytes] of [
      ...image.blobs,
      ...image.manifests.map(({ descriptor, bytes }) => [descriptor.digest, bytes] as const),
    ]) {
      await mkdir(dir.join('layout/blobs/sha256'), { recursive: true })
      await writeFile(dir.join('layout/blobs/sha256', digest.slice('sha256:'.length)), bytes)
    }
    await write('layout/oci-layout', '{"imageLayoutVersion":"1.0.0"}')
    await write('layout/index.json', JSON.stringify({ schemaVersion: 2, manifests: [image.manifest.descriptor] }))

    const { result } = await mirror('additionalImages:\n- name: oci://./layout\n  targetRepo: tools/one')

    expect(result.exitCode).toBe(0)
    expect(await tagsOf('ns/tools/one')).toEqual(['latest'])
  })

  it('is blocked by pattern, and by the base it is built on', async () => {
    await push('base', randomImage({ seed: 1, layers: 1, sharedLayers: 1 }), 'v1')
    await push('built/app', randomImage({ seed: 2, layers: 2, sharedLayers: 1 }), 'v1')
    await push('other/app', randomImage({ seed: 3 }), 'v1')

    const { result } = await mirror(`
additionalImages:
- name: SOURCE/base:v1
- name: SOURCE/built/app:v1
- name: SOURCE/other/app:v1
blockedImages:
- /base:v1$
- baseImage: SOURCE/base:v1
`)

    expect(result.plan.blocked.map(({ image, by }) => [image.repository, by])).toEqual([
      ['base', '/base:v1$'],
      ['built/app', `baseImage ${source.host}/base:v1`],
    ])
    expect(await tagsOf('ns/built/app')).toEqual([])
    expect(await tagsOf('ns/other/app')).toEqual(['v1'])
  })

  it.each([
    ['mirror.platform', 'platform:\n  channels:\n  - name: stable-4.18'],
    ['mirror.operators', 'operators:\n- catalog: quay.io/a/b:v1'],
    ['mirror.helm', 'helm:\n  local:\n  - path: chart.tgz'],
  ])('is refused before anything is copied where this version cannot bring it: %s', async (name, stanza) => {
    await expect(mirror(`additionalImages:\n- name: SOURCE/a/one:v1\n${stanza}`)).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringContaining(name),
    })
    expect(target.requests).toEqual([])
  })

  it.each([
    ['nothing', 'additionalImages: []', 'NOTHING_TO_MIRROR'],
    ['an image without a tag', 'additionalImages:\n- name: SOURCE/a/one', 'REFERENCE_INVALID'],
  ])('ends the run where it is %s', async (_, stanza, code) => {
    await expect(mirror(stanza)).rejects.toMatchObject({ code })
  })
})

describe('signatures and what else stands beside an image', () => {
  it('come along, and are left out on request', async () => {
    const image = randomImage({ seed: 1 })
    const signature = attachSignature(image)
    const sbom = attachReferrer(image)
    await push('a/one', image, 'v1')
    await push('a/one', signature.image, signature.tag)
    await push('a/one', sbom)

    await mirror('additionalImages:\n- name: SOURCE/a/one:v1')
    await mirror('additionalImages:\n- name: SOURCE/a/one:v1\n  targetRepo: bare', { removeSignatures: true })

    expect((await tagsOf('ns/a/one')).toSorted()).toEqual([signature.tag, 'v1'])
    expect(await tagsOf('ns/bare')).toEqual(['v1'])
    const referrers = await fetch(`${target.url}/v2/ns/a/one/referrers/${image.manifest.descriptor.digest}`)
    expect(
      ((await referrers.json()) as { manifests: { digest: string }[] }).manifests.map(({ digest }) => digest),
    ).toEqual([sbom.manifest.descriptor.digest])
  })

  it('decide where a policy demands them', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const [signed, unsigned] = [randomImage({ seed: 1 }), randomImage({ seed: 2 })]
    const signature = attachSignature(signed, { reference: `${source.host}/a/signed`, key: privateKey })
    await push('a/signed', signed, 'v1')
    await push('a/signed', signature.image, signature.tag)
    await push('a/unsigned', unsigned, 'v1')
    const keyPath = await write('cosign.pub', publicKey.export({ type: 'spki', format: 'pem' }).toString())
    const policyFile = await write(
      'policy.json',
      JSON.stringify({
        default: [{ type: 'reject' }],
        transports: {
          docker: { [source.host]: [{ type: 'sigstoreSigned', keyPath, signedIdentity: { type: 'matchRepository' } }] },
        },
      }),
    )

    const { result } = await mirror('additionalImages:\n- name: SOURCE/a/signed:v1\n- name: SOURCE/a/unsigned:v1', {
      securePolicy: true,
      policyFile,
    })

    expect(result.exitCode).toBe(8)
    expect(result.outcome?.failures).toEqual([
      expect.objectContaining({ origin: `${source.host}/a/unsigned:v1`, code: 'POLICY_REJECTED', side: 'source' }),
    ])
    expect(await tagsOf('ns/a/unsigned')).toEqual([])
    expect(await tagsOf('ns/a/signed')).toContain('v1')
  })

  it('are looked for in the lookaside directory that registries.d names', async () => {
    const { generateKey, createMessage, sign } = await import('openpgp')
    const keys = await generateKey({ userIDs: [{ name: 'Signer' }], format: 'object' })
    const image = randomImage({ seed: 1 })
    const { digest } = image.manifest.descriptor
    await push('a/one', image, 'v1')
    const payload = {
      critical: {
        type: 'atomic container signature',
        image: { 'docker-manifest-digest': digest },
        identity: { 'docker-reference': `${source.host}/a/one:v1` },
      },
      optional: {},
    }
    const message = await createMessage({ binary: new TextEncoder().encode(JSON.stringify(payload)) })
    const bytes = await sign({ message, signingKeys: keys.privateKey, format: 'binary' })
    await mkdir(dir.join(`sigs/a/one@${digest.replace(':', '=')}`), { recursive: true })
    await writeFile(dir.join(`sigs/a/one@${digest.replace(':', '=')}/signature-1`), bytes as Uint8Array)
    await write('rd/source.yaml', `docker:\n  ${source.host}:\n    lookaside: file://${dir.join('sigs')}\n`)
    const keyPath = await write('key.asc', keys.publicKey.armor())
    const policy = (path: string): string =>
      JSON.stringify({ default: [{ type: 'signedBy', keyType: 'GPGKeys', keyPath: path }] })
    const other = await generateKey({ userIDs: [{ name: 'Other' }], format: 'object' })
    const otherPath = await write('other.asc', other.publicKey.armor())

    const run = async (key: string): Promise<number> => {
      const policyFile = await write(`${basename(key)}.json`, policy(key))
      const overrides = { securePolicy: true, policyFile, registriesD: dir.join('rd') }
      // The key was made now, and a signature from the future is refused.
      return (await mirror('additionalImages:\n- name: SOURCE/a/one:v1', overrides, { now: () => new Date() })).result
        .exitCode
    }

    expect([await run(keyPath), await run(otherPath)]).toEqual([0, 8])
  })
})

describe('platforms', () => {
  const STANZA = 'additionalImages:\n- name: SOURCE/a/one:v1\n  platforms:\n  - os: linux\n    architecture: arm64'

  it('fail, with what each choice costs, where the target refuses a sparse index', async () => {
    await push('a/one', randomIndex({ seed: 1, platforms: PLATFORMS }), 'v1')

    const { result } = await mirror(STANZA)

    expect(result.exitCode).toBe(8)
    expect(result.outcome?.failures).toEqual([
      expect.objectContaining({ code: 'INDEX_SPARSE', hint: expect.stringContaining('all 2 instances') }),
    ])
  })

  it('leave the index as it is where the target takes it', async () => {
    const index = randomIndex({ seed: 1, platforms: PLATFORMS })
    await push('a/one', index, 'v1')
    await using sparse = await startRegistryServer({
      signal: new AbortController().signal,
      storage: dir.join('sparse'),
      host: '127.0.0.1',
      port: 0,
      allowSparseIndexes: true,
    })

    const { result } = await mirror(STANZA, {
      destination: { kind: 'registry', registry: sparse.registry, namespace: '' },
    })

    expect(result.exitCode).toBe(0)
    const answer = await fetch(`${sparse.url}/v2/a/one/manifests/v1`)
    expect(answer.headers.get('docker-content-digest')).toBe(index.manifest.descriptor.digest)
  })
})

describe('what a run leaves', () => {
  it.each([
    ['a file in its way', 'w'],
    ['a file where its log goes', 'w/working-dir/logs'],
    ['a file where cluster resources go', 'w/working-dir/cluster-resources'],
  ])('cannot be there with %s, which is told as such', async (_, path) => {
    await push('a/one', randomImage({ seed: 1 }), 'v1')
    await write(path, 'not a directory')

    await expect(mirror('additionalImages:\n- name: SOURCE/a/one:v1')).rejects.toMatchObject({
      code: 'DISK_FAILED',
      message: expect.stringContaining(dir.join(path)),
    })
  })

  it('has a log, a plan, pinned configurations, resources, and a line for each image that failed', async () => {
    await push('a/one', randomImage({ seed: 1 }), 'v1')

    const { result } = await mirror('additionalImages:\n- name: SOURCE/a/one:v1\n- name: SOURCE/no/such:v1')

    expect(result.exitCode).toBe(8)
    const files = (await readdir(dir.join('w/working-dir'), { recursive: true })).filter(
      (name) => /\.\w+$/.test(name) && !name.startsWith('containers'),
    )
    expect(files.toSorted()).toEqual([
      'airlift/plan.json',
      'cluster-resources/itms-oc-mirror.yaml',
      'disc_pinned_2026-01-16T11:15:20Z.yaml',
      'isc_pinned_2026-01-16T11:15:20Z.yaml',
      'logs/mirroring_errors_20260116_111520.txt',
      'logs/oc-mirror-20260116_111520.log',
    ])
    expect(await readFile(dir.join('w/working-dir/logs/mirroring_errors_20260116_111520.txt'), 'utf8')).toBe(
      `error mirroring image ${source.host}/no/such:v1 error: reading manifest v1 in ${source.host}/no/such:v1: manifest unknown\n`,
    )
  })

  it('keeps entries of earlier runs where that is asked for', async () => {
    await push('a/one', randomImage({ seed: 1 }), 'v1')
    await push('b/two', randomImage({ seed: 2 }), 'v1')
    const itms = (): Promise<string> =>
      readFile(dir.join('w/working-dir/cluster-resources/itms-oc-mirror.yaml'), 'utf8')
    await mirror('additionalImages:\n- name: SOURCE/a/one:v1')

    await mirror('additionalImages:\n- name: SOURCE/b/two:v1', { cumulativeResources: true })
    const cumulative = await itms()
    await mirror('additionalImages:\n- name: SOURCE/b/two:v1')
    const alone = await itms()

    expect([cumulative.includes(`${source.host}/a\n`), cumulative.includes(`${source.host}/b\n`)]).toEqual([true, true])
    expect([alone.includes(`${source.host}/a\n`), alone.includes(`${source.host}/b\n`)]).toEqual([false, true])
  })

  it('is nothing at the target after a dry run, and a mapping for every image, also one that is missing', async () => {
    await push('a/one', randomImage({ seed: 1 }), 'v1')
    const disk = { kind: 'disk', directory: dir.join('w') } as const

    const { result } = await mirror('additionalImages:\n- name: SOURCE/a/one:v1\n- name: SOURCE/no/such:v1', {
      dryRun: 'mapping',
      destination: disk,
    })

    expect(result.exitCode).toBe(0)
    expect(target.requests).toEqual([])
    const lines = [
      `docker://${source.host}/a/one:v1=docker://localhost:55000/a/one:v1\n`,
      `docker://${source.host}/no/such:v1=docker://localhost:55000/no/such:v1\n`,
    ]
    expect(await readFile(dir.join('w/working-dir/dry-run/mapping.txt'), 'utf8')).toBe(lines.join(''))
    expect(
      (await readFile(dir.join('w/working-dir/dry-run/missing.txt'), 'utf8')).split('\n').toSorted().join('\n'),
    ).toBe(`\n${lines.join('').trimEnd()}`)
  })

  it('needs no download for blobs that an earlier oc-mirror has in its cache', async () => {
    const image = randomImage({ seed: 1 })
    await push('a/one', image, 'v1')
    source.requests.length = 0

    const { result } = await mirror('additionalImages:\n- name: SOURCE/a/one:v1', { cacheDir: source.directory })

    expect(result.exitCode).toBe(0)
    expect(source.requests.filter((line) => line.includes('/blobs/'))).toEqual([])
    expect(await tagsOf('ns/a/one')).toEqual(['v1'])
  })
})

describe('a target that asks for credentials', () => {
  it('asks the person once, and ends the run where the answer is refused or nobody can be asked', async () => {
    await push('a/one', randomImage({ seed: 1 }), 'v1')
    await using closed = await startRegistryServer({
      signal: new AbortController().signal,
      storage: dir.join('closed'),
      host: '127.0.0.1',
      port: 0,
      basicAuth: { username: 'ada', password: 'right' },
    })
    const destination = { kind: 'registry', registry: closed.registry, namespace: 'ns' } as const
    const asked: string[] = []
    const answering = (password: string): Partial<RunContext> => ({
      askCredentials: async (registry, side) => {
        asked.push(`${side} ${registry}`)
        return { username: 'ada', password }
      },
    })
    const stanza = 'additionalImages:\n- name: SOURCE/a/one:v1'

    await expect(mirror(stanza, { destination })).rejects.toMatchObject({
      code: 'AUTH_REQUIRED',
      message: expect.stringContaining(closed.registry),
      hint: expect.stringContaining('auth.json'),
    })
    await expect(mirror(stanza, { destination }, answering('wrong'))).rejects.toMatchObject({ code: 'AUTH_REQUIRED' })
    const { result } = await mirror(stanza, { destination }, answering('right'))

    expect(result.exitCode).toBe(0)
    expect(asked).toEqual([`target ${closed.registry}`, `target ${closed.registry}`])
  })
})
