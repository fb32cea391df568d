import { describe, expect, it } from 'vitest'
import type { TransferEvent } from '../../transfer/events.ts'
import { eventLine, failureText, shows } from './event-line.ts'
import { createStyle } from './style.ts'

const STYLE = createStyle({ hasColor: false, hasUnicode: false })
const A = 'mirror.example/a:1'

describe('eventLine', () => {
  it.each<[TransferEvent, string, string]>([
    [{ type: 'phase', phase: 'collect' }, 'info', 'finding images'],
    [{ type: 'warning', message: 'odd\u001B[2J', image: A }, 'info', `warning: odd�[2J (${A})`],
    [{ type: 'image-collected', origin: 'q.io/a:1', done: 1, total: 2 }, 'debug', 'found q.io/a:1 (1 of 2)'],
    [
      {
        type: 'planned',
        totals: {
          images: 2,
          present: 1,
          manifests: 2,
          blobs: 4,
          bytes: { total: 4096, unique: 0, shared: 0, present: 1024, reused: 0, mounted: 2048, toFetch: 1024 },
        },
        blocked: 1,
        unresolved: 2,
      },
      'info',
      'plan: 2 images, 1 there already, 1.0 KiB to fetch, 2.0 KiB to mount, 1.0 KiB there already, 1 image blocked, 2 images unresolved',
    ],
    [
      {
        type: 'archive-planned',
        directory: '/data/\u001B[2J',
        volumes: [1, 2, 3].map((number) => ({ name: `mirror_00000${number}.tar`, size: 1024 })),
        bytes: 3072,
        freeBytes: 8192,
      },
      'info',
      'archive: 3 volumes (mirror_000001.tar to mirror_000003.tar), 3.0 KiB in /data/�[2J, 8.0 KiB free',
    ],
    [{ type: 'image-started', image: A, origin: 'q.io/a:1', bytes: 1024 }, 'debug', 'copying q.io/a:1, 1.0 KiB'],
    [{ type: 'blob-started', image: A, digest: 'd', size: 5 }, 'debug', `fetching d, 5 B, of ${A}`],
    [
      { type: 'blob-progress', image: A, digest: 'd', received: 1, size: 5 },
      'trace',
      `received 1 B of d, 5 B, of ${A}`,
    ],
    [{ type: 'blob-finished', image: A, digest: 'd', size: 5 }, 'debug', `fetched d, 5 B, of ${A}`],
    [{ type: 'blob-skipped', image: A, digest: 'd', size: 5, reason: 'mounted' }, 'debug', `mounted d, 5 B, of ${A}`],
    [
      { type: 'blob-skipped', image: A, digest: 'd', size: 5, reason: 'exists' },
      'debug',
      `there already: d, 5 B, of ${A}`,
    ],
    [{ type: 'mount-refused', image: A, digest: 'd' }, 'debug', `mount refused: d of ${A}`],
    [{ type: 'manifest-finished', image: A, digest: 'd', tag: '1' }, 'debug', `pushed manifest d of ${A}`],
    [{ type: 'retry', image: A, attempt: 2, waitMs: 1500, message: 'reset' }, 'info', `retry 2 of ${A} in 1.5s: reset`],
    [{ type: 'image-finished', image: A, state: 'copied' }, 'info', `copied ${A}`],
    [{ type: 'image-finished', image: A, state: 'present' }, 'debug', `there already: ${A}`],
    [{ type: 'file-written', path: '/w/x', what: 'plan' }, 'debug', 'wrote /w/x (plan)'],
  ])('says %j', (event, level, text) => {
    expect(eventLine(event, STYLE)).toEqual({ level, text })
  })
})

it('names the image, the side, the reason and what to do of a failure', () => {
  const failure = {
    kind: 'generic',
    origin: 'q.io/a:1',
    target: A,
    side: 'source',
    code: 'TIMEOUT',
    message: 'nothing came\nfor long',
    hint: 'try again',
  } as const

  expect(failureText(failure, STYLE)).toMatchInlineSnapshot(`
    "failed q.io/a:1 -> mirror.example/a:1
      source [TIMEOUT]: nothing came
      for long
      hint: try again"
  `)
})

it.each([
  ['error', ['error']],
  ['info', ['error', 'info']],
  ['debug', ['error', 'info', 'debug']],
  ['trace', ['error', 'info', 'debug', 'trace']],
] as const)('shows at level %s lines of %j', (level, expected) => {
  expect((['error', 'info', 'debug', 'trace'] as const).filter((line) => shows(level, line))).toEqual(expected)
})
