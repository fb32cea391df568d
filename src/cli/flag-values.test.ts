import { describe, expect, it } from 'vitest'
import type { Flag } from './flag.ts'
import { normalizeArguments, parseFlagValue } from './flag-values.ts'
import { MIRROR_FLAGS } from './flags.ts'

describe('normalizeArguments', () => {
  it.each([
    [
      ['--dry-run=true', 'file://a'],
      ['--dry-run', 'file://a'],
    ],
    [['--src-tls-verify=false'], ['--no-src-tls-verify']],
    [['--v2=T'], ['--v2']],
    [['-c=isc.yaml'], ['-c', 'isc.yaml']],
    [['-p=5000'], ['-p', '5000']],
    [['--config=isc.yaml'], ['--config=isc.yaml']],
    [['--unknown=1'], ['--unknown=1']],
    [['docker://r/a=b'], ['docker://r/a=b']],
    [
      ['--', '--dry-run=true'],
      ['--', '--dry-run=true'],
    ],
  ])('rewrites %j', (words, expected) => {
    expect(normalizeArguments(words, MIRROR_FLAGS)).toEqual(expected)
  })

  it('refuses a boolean that is none', () => {
    expect(() => normalizeArguments(['--dry-run=maybe'], MIRROR_FLAGS)).toThrow(
      expect.objectContaining({ code: 'FLAG_INVALID', message: 'invalid argument "maybe" for "--dry-run" flag' }),
    )
  })
})

describe('parseFlagValue', () => {
  const flag = (type: Flag['type']): Flag => ({ name: 'x', short: 'x', type, help: '', effect: 'same' })

  it.each([
    ['duration', '0', 0],
    ['duration', '0s', 0],
    ['duration', '10m0s', 600_000],
    ['duration', '1h30m', 5_400_000],
    ['duration', '1.5s', 1500],
    ['duration', '250ms', 250],
    ['integer', '0', 0],
    ['integer', '55000', 55_000],
    ['string', '1h', '1h'],
  ] as const)('reads a %s from %s', (type, text, expected) => {
    expect(parseFlagValue(flag(type), text)).toBe(expected)
  })

  it.each([
    ['duration', '10'],
    ['duration', '10 m'],
    ['duration', '-5s'],
    ['duration', '5d'],
    ['duration', ''],
    ['integer', '-1'],
    ['integer', '1.5'],
    ['integer', '0x10'],
    ['integer', '12345678901'],
  ] as const)('refuses the %s %s', (type, text) => {
    expect(() => parseFlagValue(flag(type), text)).toThrow(
      expect.objectContaining({ code: 'FLAG_INVALID', message: `invalid argument "${text}" for "-x, --x" flag` }),
    )
  })
})
