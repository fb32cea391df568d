import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatRepository, parseReference } from '../oci/reference.ts'
import { parseRegistriesConf } from './registries-conf-parse.ts'
import type { RegistriesConf } from './registries-conf-types.ts'
import { endpointOf, findRegistry, matchPrefix, pullSources } from './registries-match.ts'

const DIGEST = `sha256:${'a'.repeat(64)}`

function conf(text: string): RegistriesConf {
  const { registries } = parseRegistriesConf(text, 'test.conf')
  return { registries, credentialHelpers: [], file: 'test.conf', directories: [] }
}

describe('matchPrefix', () => {
  it.each([
    ['example.com', 'example.com', 11],
    ['example.com:5000', 'example.com', 11],
    ['example.com:5000', 'example.com:5000', 16],
    ['example.com:50000', 'example.com:5000', -1],
    ['example.com/foo', 'example.com', 11],
    ['example.com/foo', 'example.com/fo', -1],
    ['example.com', 'example.com/foo', -1],
    ['docker.io/libraryy', 'docker.io/library', -1],
    ['example.com/foo:bar', 'example.com/foo:bar', 19],
    ['example.com/foo:bar2', 'example.com/foo:bar', -1],
    [`example.com/foo@${DIGEST}`, 'example.com/foo', 15],
    ['example.com/foo', '*', -1],
    ['x.com/example.com/foo', 'example.com', -1],
    ['foo.example.com', '*.example.com', 15],
    ['foo.bar.example.com:5000/x', '*.example.com', 19],
    ['foo.example.com/x', '*.example.com', 15],
    ['example.com/x', '*.example.com', -1],
    ['foo.example.com.evil/x', '*.example.com', -1],
    ['evil/foo.example.com/x', '*.example.com', -1],
  ])('of %s by %s is %i', (name, prefix, length) => {
    expect(matchPrefix(name, prefix)).toBe(length)
  })
})

describe('findRegistry', () => {
  it('never finds a table when a longer matching prefix exists', () => {
    const path = fc.array(fc.constantFrom('a', 'b', 'ab'), { maxLength: 4 })
    const place = path.map((parts) => ['r.example.com', ...parts].join('/'))
    fc.assert(
      fc.property(fc.uniqueArray(place), place, (prefixes, name) => {
        const registries = prefixes.map((prefix) => ({
          prefix,
          location: prefix,
          insecure: false,
          blocked: false,
          mirrors: [],
        }))
        const longest = prefixes
          .filter((prefix) => name === prefix || name.startsWith(`${prefix}/`))
          .toSorted((a, b) => b.length - a.length)[0]

        expect(findRegistry({ registries }, name)?.prefix).toBe(longest)
      }),
    )
  })

  it('counts the "*." of a wildcard as part of its length', () => {
    const { registries } = conf('[[registry]]\nprefix="*.b.c"\n[[registry]]\nlocation="a.b.c"\n')

    expect(findRegistry({ registries }, 'x.a.b.c/y')?.prefix).toBe('*.b.c')
    expect(findRegistry({ registries }, 'a.b.c/y')?.prefix).toBe('*.b.c')
  })
})

const MIRRORS = `
[[registry]]
location = "g.com/baz"
[[registry.mirror]]
location = "m1.com/x"
pull-from-mirror = "digest-only"
[[registry.mirror]]
location = "m2.com"
pull-from-mirror = "tag-only"
[[registry.mirror]]
location = "m3.com:5000/y"
insecure = true
[[registry.mirror]]
location = "m4.com"
pull-from-mirror = "all"

[[registry]]
location = "b.com/foo"
mirror-by-digest-only = true
blocked = true
[[registry.mirror]]
location = "blocked.com/foo"
[[registry.mirror]]
location = "open.com/foo"

[[registry]]
location = "blocked.com"
blocked = true
insecure = true

[[registry]]
prefix = "*.wild.com"
insecure = true

[[registry]]
prefix = "deep.com/a/b"
location = "flat.com"
`

describe('pullSources', () => {
  it.each([
    [`g.com/baz/i@${DIGEST}`, ['m1.com/x/i', 'm3.com:5000/y/i', 'm4.com/i', 'g.com/baz/i']],
    [`g.com/baz/i:v1@${DIGEST}`, ['m1.com/x/i', 'm3.com:5000/y/i', 'm4.com/i', 'g.com/baz/i']],
    ['g.com/baz/i:v1', ['m2.com/i', 'm3.com:5000/y/i', 'm4.com/i', 'g.com/baz/i']],
    ['b.com/foo:v1', ['b.com/foo']],
    [`b.com/foo@${DIGEST}`, ['blocked.com/foo', 'open.com/foo', 'b.com/foo']],
    ['x.wild.com/i:v1', ['x.wild.com/i']],
    ['deep.com/a/b/c:v1', ['flat.com/c']],
    ['other.com/i:v1', ['other.com/i']],
  ])('of %s are %j', (text, names) => {
    expect(pullSources(conf(MIRRORS), parseReference(text)).map(({ name }) => formatRepository(name))).toEqual(names)
  })

  it('takes insecure from the endpoint that is named, and blocked from the table of the physical name', () => {
    expect(pullSources(conf(MIRRORS), parseReference(`b.com/foo@${DIGEST}`))).toEqual([
      { name: { registry: 'blocked.com', repository: 'foo' }, insecure: false, blocked: true, isMirror: true },
      { name: { registry: 'open.com', repository: 'foo' }, insecure: false, blocked: false, isMirror: true },
      { name: { registry: 'b.com', repository: 'foo' }, insecure: false, blocked: true, isMirror: false },
    ])
  })

  it('refuses a rewritten name that is no repository', () => {
    const text = '[[registry]]\nprefix = "a.com/x"\nlocation = "b.com"\n'

    expect(() => pullSources(conf(text), parseReference('a.com/x:v1'))).toThrow(
      expect.objectContaining({ code: 'REGISTRIES_CONF_INVALID', hint: expect.stringContaining('test.conf') }),
    )
  })
})

describe('endpointOf', () => {
  it.each([
    ['blocked.com/any', { insecure: true, blocked: true }],
    ['x.wild.com/i', { insecure: true, blocked: false }],
    ['other.com/i', { insecure: false, blocked: false }],
  ])('of %s is %j', (text, flags) => {
    const [registry = '', repository = ''] = text.split('/')

    expect(endpointOf(conf(MIRRORS), { registry, repository })).toEqual(flags)
  })
})
