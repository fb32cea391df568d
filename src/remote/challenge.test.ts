import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseChallenges } from './challenge.ts'

const read = (...headers: string[]): unknown =>
  parseChallenges(headers).map(({ scheme, parameters }) => ({ scheme, ...Object.fromEntries(parameters) }))

describe('parseChallenges', () => {
  it.each([
    ['Basic realm="Registry"', [{ scheme: 'basic', realm: 'Registry' }]],
    ['BASIC REALM=plain', [{ scheme: 'basic', realm: 'plain' }]],
    [
      'Bearer realm="https://auth.example/token",service="registry.example",scope="repository:a/b:pull,push"',
      [
        {
          scheme: 'bearer',
          realm: 'https://auth.example/token',
          service: 'registry.example',
          scope: 'repository:a/b:pull,push',
        },
      ],
    ],
    ['Bearer realm = "r" , service\t=\t"s"', [{ scheme: 'bearer', realm: 'r', service: 's' }]],
    ['Bearer realm="r" service="s"', [{ scheme: 'bearer', realm: 'r', service: 's' }]],
    ['Bearer realm="a\\"b\\\\c"', [{ scheme: 'bearer', realm: 'a"b\\c' }]],
    ['Bearer realm="r", realm="other"', [{ scheme: 'bearer', realm: 'r' }]],
    ['Bearer realm="open', [{ scheme: 'bearer', realm: 'open' }]],
    [
      'Negotiate, Basic realm="x", Bearer realm="y"',
      [{ scheme: 'negotiate' }, { scheme: 'basic', realm: 'x' }, { scheme: 'bearer', realm: 'y' }],
    ],
    ['NTLM TlRMTVNTUAAB==, Basic realm="x"', [{ scheme: 'ntlm' }, { scheme: 'basic', realm: 'x' }]],
    [', ,Basic realm="x",,', [{ scheme: 'basic', realm: 'x' }]],
    ['realm="no scheme"', []],
    ['"quoted", Basic realm="x"', [{ scheme: 'basic', realm: 'x' }]],
    ['', []],
  ])('reads %s', (header, challenges) => {
    expect(read(header)).toEqual(challenges)
  })

  it('reads several headers as one list', () => {
    expect(read('Basic realm="a"', 'Bearer realm="b"')).toEqual([
      { scheme: 'basic', realm: 'a' },
      { scheme: 'bearer', realm: 'b' },
    ])
  })

  it('reads whatever was written by the rules', () => {
    const token = fc.stringMatching(/^[a-z][a-z0-9_-]{0,10}$/)
    const value = fc.stringMatching(/^[ -~]{0,40}$/)
    const challenge = fc.record({
      scheme: token,
      parameters: fc.uniqueArray(fc.tuple(token, value), { selector: ([name]) => name }),
    })
    const write = ([name, text]: readonly [string, string]): string => `${name}="${text.replace(/["\\]/g, '\\$&')}"`

    fc.assert(
      fc.property(fc.array(challenge, { maxLength: 6 }), (challenges) => {
        const header = challenges.map(({ scheme, parameters }) => `${scheme} ${parameters.map(write).join(', ')}`)
        const expected = challenges.map(({ scheme, parameters }) => ({ scheme, parameters: new Map(parameters) }))

        expect(parseChallenges([header.join(', ')])).toEqual(expected)
        expect(parseChallenges(header)).toEqual(expected)
      }),
    )
  })

  it('answers any string, however long, within bounds', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 2000 }), (text) => {
        expect(parseChallenges([text]).length).toBeLessThanOrEqual(32)
      }),
    )
    expect(parseChallenges(['a '.repeat(100_000), '=,'.repeat(100_000), '"\\'.repeat(100_000)])).toHaveLength(32)
  })
})
