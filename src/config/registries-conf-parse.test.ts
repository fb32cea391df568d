import { describe, expect, it } from 'vitest'
import { parseRegistriesConf } from './registries-conf-parse.ts'

const table = (...lines: readonly string[]): string => ['[[registry]]', ...lines, ''].join('\n')

describe('parseRegistriesConf', () => {
  it('reads tables with their mirrors, sorted by prefix', () => {
    const text = [
      'unqualified-search-registries = ["registry.example.com", "localhost:5000"]',
      'credential-helpers = ["containers-auth.json", "pass"]',
      'something-new = true',
      table('location = "Quay.IO/Org/"', 'insecure = true'),
      table('prefix = "*.example.com"', 'blocked = true'),
      table(
        'prefix = "a.example.com/x///"',
        'location = "b.example.com/y"',
        '[[registry.mirror]]',
        'location = "m1.example.com:5000/z"',
        'insecure = true',
        '[[registry.mirror]]',
        'location = "m2.example.com"',
        'pull-from-mirror = "tag-only"',
      ),
    ].join('\n')

    expect(parseRegistriesConf(text, 'f.conf')).toEqual({
      format: 'v2',
      credentialHelpers: ['containers-auth.json', 'pass'],
      registries: [
        { prefix: '*.example.com', location: '', insecure: false, blocked: true, mirrors: [] },
        {
          prefix: 'a.example.com/x',
          location: 'b.example.com/y',
          insecure: false,
          blocked: false,
          mirrors: [
            { location: 'm1.example.com:5000/z', insecure: true, use: 'all' },
            { location: 'm2.example.com', insecure: false, use: 'tag-only' },
          ],
        },
        { prefix: 'quay.io/Org', location: 'quay.io/Org', insecure: true, blocked: false, mirrors: [] },
      ],
    })
  })

  it('reads mirror-by-digest-only as a property of each mirror', () => {
    const text = table(
      'location = "a.com"',
      'mirror-by-digest-only = true',
      '[[registry.mirror]]',
      'location = "m.com"',
    )

    expect(parseRegistriesConf(text, 'f.conf').registries[0]?.mirrors).toEqual([
      { location: 'm.com', insecure: false, use: 'digest-only' },
    ])
  })

  it('takes the first of two tables with the same prefix', () => {
    const text = table('prefix = "a.com"', 'location = "b.com"') + table('prefix = "a.com"', 'location = "c.com"')

    expect(parseRegistriesConf(text, 'f.conf').registries).toMatchObject([{ prefix: 'a.com', location: 'b.com' }])
  })

  it('converts format 1', () => {
    const text = [
      '[registries.search]',
      'registries = ["a.com////", "c.com"]',
      '[registries.block]',
      'registries = ["b.com"]',
      '[registries.insecure]',
      'registries = ["b.com////", "d.com"]',
    ].join('\n')

    expect(parseRegistriesConf(text, 'f.conf')).toEqual({
      format: 'v1',
      registries: [
        { prefix: 'b.com', location: 'b.com', insecure: true, blocked: true, mirrors: [] },
        { prefix: 'd.com', location: 'd.com', insecure: true, blocked: false, mirrors: [] },
      ],
    })
  })

  it.each([
    [table('location = "https://a.com"'), "invalid location 'https://a.com': URI schemes are not supported"],
    [table('insecure = true'), 'invalid condition: both location and prefix are unset'],
    [table('prefix = "a.com"'), 'invalid condition: location is unset and prefix is not in the format: *.example.com'],
    [
      table('location = "a.com"', '[[registry.mirror]]', 'insecure = true'),
      'invalid condition: mirror location is unset',
    ],
    [
      table('location = "a.com"', 'pull-from-mirror = "all"'),
      'pull-from-mirror must not be set for a non-mirror registry "a.com"',
    ],
    [
      table(
        'location = "a.com"',
        'mirror-by-digest-only = true',
        '[[registry.mirror]]',
        'location = "m.com"',
        'pull-from-mirror = "all"',
      ),
      'cannot set mirror usage mirror-by-digest-only for the registry ("a.com") and pull-from-mirror for per-mirror ("m.com") at the same time',
    ],
    [
      table('location = "a.com"', '[[registry.mirror]]', 'location = "m.com"', 'pull-from-mirror = "never"'),
      'unsupported pull-from-mirror value "never" for mirror "m.com"',
    ],
    [
      table('location = "a.com"') + table('location = "a.com"', 'insecure = true'),
      "registry 'a.com' is defined multiple times with conflicting 'insecure' setting",
    ],
    [
      table('location = "a.com"') + table('prefix = "b.com"', 'location = "a.com"', 'blocked = true'),
      "registry 'a.com' is defined multiple times with conflicting 'blocked' setting",
    ],
    [
      table('prefix = "*.a.com/x"'),
      'Wildcarded prefix should be in the format: *.example.com. Current prefix "*.a.com/x" is incorrectly formatted',
    ],
    ['unqualified-search-registries = ["a.com/x"]', 'Invalid unqualified-search-registries entry "a.com/x"'],
    ['short-name-mode = "strict"', 'invalid short-name mode: "strict"'],
    ['credential-helpers = ["../x"]', 'invalid credential-helpers entry "../x"'],
    [
      `unqualified-search-registries = ["a.com"]\n[registries.block]\nregistries = ["b.com"]`,
      'mixing sysregistry v1/v2 is not supported',
    ],
    [table('location = 5'), 'registry.0.location'],
    ['\nlocation', 'line 2'],
  ])('refuses %j', (text, message) => {
    expect(() => parseRegistriesConf(text, '/x/f.conf')).toThrow(
      expect.objectContaining({
        code: 'REGISTRIES_CONF_INVALID',
        message: expect.stringMatching(/^loading registries configuration "\/x\/f\.conf": /),
      }),
    )
    expect(() => parseRegistriesConf(text, '/x/f.conf')).toThrow(message)
  })
})
