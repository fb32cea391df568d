import { expect, it } from 'vitest'
import { AirliftError } from '../../base/errors.ts'
import type { Outcome, Plan } from '../../plan/plan-types.ts'
import { MemoryRegistry } from '../../../test/support/memory-registry.ts'
import { planned, wanted } from '../../../test/support/planned-images.ts'
import { randomImage, randomIndex } from '../../../test/support/random-image.ts'
import { renderPlan } from './plan-table.ts'
import { createStyle } from './style.ts'
import { renderSummary } from './summary.ts'

const STYLE = createStyle({ hasColor: false, hasUnicode: false })
const COUNTS = {
  blobsFetched: 0,
  blobsMounted: 0,
  blobsPresent: 0,
  mountsRefused: 0,
  bytesFetched: 0,
  manifestsPushed: 0,
  retries: 0,
}
const PLATFORMS = [
  { os: 'linux', architecture: 'amd64' },
  { os: 'linux', architecture: 'arm64' },
]

async function plan(): Promise<Plan> {
  const source = new MemoryRegistry()
  source.add('ubi9/ubi', randomImage({ seed: 1, sharedLayers: 1 }), 'v1')
  source.add('tools/etcd', randomImage({ seed: 2, sharedLayers: 1, layers: 3 }), 'v1')
  source.add('tools/shell', randomIndex({ seed: 3, platforms: PLATFORMS }), 'v1')
  const images = ['ubi9/ubi', 'tools/etcd', 'tools/shell'].map((name) => wanted(name))
  const { plan } = await planned(source, new MemoryRegistry(), images)
  return {
    ...plan,
    blocked: [{ image: wanted('bad/\u001B[2Jone'), by: 'bad/.*' }],
    unresolved: [
      {
        ...wanted('gone'),
        error: new AirliftError('MANIFEST_UNKNOWN', 'quay.example/gone:v1 is not there', { hint: 'check its tag' }),
      },
    ],
  }
}

it('renders a plan as a table', async () => {
  expect(renderPlan(await plan(), { style: STYLE, width: Infinity })).toMatchInlineSnapshot(`
    "IMAGE                        TARGET                                 INSTANCES     TOTAL    UNIQUE   SHARED  PRESENT  REUSED    MOUNT     FETCH
    quay.example/tools/etcd:v1   mirror.example:5000/ns/tools/etcd:v1           1  12.9 KiB   8.7 KiB  4.2 KiB        -       -        -  12.9 KiB
    quay.example/tools/shell:v1  mirror.example:5000/ns/tools/shell:v1          2  17.3 KiB  17.3 KiB        -        -       -        -  17.3 KiB
    quay.example/ubi9/ubi:v1     mirror.example:5000/ns/ubi9/ubi:v1             1   8.6 KiB   4.5 KiB  4.2 KiB        -       -  4.2 KiB   4.5 KiB
    total, each blob once                                                          34.6 KiB  30.4 KiB  4.2 KiB        -       -  4.2 KiB  34.6 KiB

    blocked quay.example/bad/�[2Jone:v1 by bad/.*
    unresolved quay.example/gone:v1
      [MANIFEST_UNKNOWN]: quay.example/gone:v1 is not there
      hint: check its tag

    3 images (0 there already), 5 manifests, 12 blobs, 34.6 KiB to fetch, 1 blocked, 1 unresolved
    "
  `)
})

it('renders a plan for a narrow terminal within its width', async () => {
  const text = renderPlan(await plan(), { style: STYLE, width: 80 })

  expect(text).toMatchInlineSnapshot(`
    " INST     TOTAL    UNIQUE   SHARED  PRESENT  REUSED    MOUNT     FETCH
    quay.example/tools/etcd:v1
      mirror.example:5000/ns/tools/etcd:v1
        1  12.9 KiB   8.7 KiB  4.2 KiB        -       -        -  12.9 KiB
    quay.example/tools/shell:v1
      mirror.example:5000/ns/tools/shell:v1
        2  17.3 KiB  17.3 KiB        -        -       -        -  17.3 KiB
    quay.example/ubi9/ubi:v1
      mirror.example:5000/ns/ubi9/ubi:v1
        1   8.6 KiB   4.5 KiB  4.2 KiB        -       -  4.2 KiB   4.5 KiB
    total  34.6 KiB  30.4 KiB  4.2 KiB        -       -  4.2 KiB  34.6 KiB

    blocked quay.example/bad/�[2Jone:v1 by bad/.*
    unresolved quay.example/gone:v1
      [MANIFEST_UNKNOWN]: quay.example/gone:v1 is not there
      hint: check its tag

    3 images (0 there already), 5 manifests, 12 blobs, 34.6 KiB to fetch, 1 blocked, 1 unresolved
    "
  `)
  expect(text.split('\n').filter((line) => line.length > 80 && !line.startsWith('3 images'))).toEqual([])
})

it('sums up what a run came to', async () => {
  const value = await plan()
  const [first, second, third] = value.images
  if (first === undefined || second === undefined || third === undefined) throw new Error('three images expected')
  const outcome: Outcome = {
    copied: [first, { ...second, state: 'present' }],
    failures: [
      {
        kind: 'generic',
        origin: third.wanted.origin,
        target: third.id,
        side: 'target',
        code: 'REGISTRY_REFUSED',
        message: 'the target refused a blob: 507',
        hint: 'make room in the target registry',
      },
    ],
    notStarted: [],
    counts: {
      blobsFetched: 3,
      blobsMounted: 1,
      blobsPresent: 2,
      mountsRefused: 1,
      bytesFetched: 3_000_000,
      manifestsPushed: 2,
      retries: 1,
    },
  }

  expect(renderSummary({ plan: value, outcome, files: ['/w/working-dir/plan.json'], durationMs: 1500 }, STYLE))
    .toMatchInlineSnapshot(`
    "               IMAGES     BYTES
    copied              1  12.9 KiB
    there already       1  17.3 KiB
    blocked             1         -
    failed              1   8.6 KiB
    not started         0       0 B

    3 blobs fetched, 2.9 MiB in 1.5s (1.9 MiB/s), 1 mounted, 2 there already, 2 manifests pushed, 1 mount refused, each fetched again, 1 retry

    failed quay.example/ubi9/ubi:v1 -> mirror.example:5000/ns/ubi9/ubi:v1
      target [REGISTRY_REFUSED]: the target refused a blob: 507
      hint: make room in the target registry

    files:
      /w/working-dir/plan.json
    "
  `)
})

it.each([
  [[], 0, 'nothing new: no volume was written'],
  [[], 1, 'no volume was written'],
  [['/a/mirror_000002.tar'], 0, 'carry this new volume, 1.0 KiB:\n  /a/mirror_000002.tar'],
  [['/a/1.tar', '/a/2.tar'], 0, 'carry these 2 new volumes, 2.0 KiB:\n  /a/1.tar\n  /a/2.tar'],
])('says what to carry: volumes %j, %i failures', async (paths, failed, text) => {
  const value = await plan()
  const failure = { kind: 'generic', origin: 'q.io/a:1', side: 'source', code: 'TIMEOUT', message: 'no' } as const
  const outcome = {
    copied: [],
    failures: Array.from({ length: failed }, () => failure),
    notStarted: [],
    counts: COUNTS,
  }
  const volumes = paths.map((path) => ({ path, size: 1024 }))

  const lines = renderSummary({ plan: value, outcome, volumes, files: [], durationMs: 1500 }, STYLE)

  expect(lines).toContain(`\n\n${text}\n`)
})
