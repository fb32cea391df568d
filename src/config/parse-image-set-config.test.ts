import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isConfigError } from './config-error.ts'
import type { ConfigProblem } from './config-error.ts'
import { parseDeleteConfig, parseImageSetConfig } from './parse-image-set-config.ts'

const HEAD = 'kind: ImageSetConfiguration\napiVersion: mirror.openshift.io/v2alpha1\n'

function problemsOf(
  text: string,
  parse: (text: string, file: string) => unknown = parseImageSetConfig,
): readonly ConfigProblem[] {
  try {
    parse(text, 'isc.yaml')
  } catch (error) {
    if (isConfigError(error)) return error.problems
    throw error
  }
  return []
}

/** `mirror:` with `lines` below it, from line 4 on. */
function mirror(...lines: readonly string[]): string {
  return `${HEAD}mirror:\n${lines.map((line) => `  ${line}\n`).join('')}`
}

describe('parseImageSetConfig', () => {
  it('reads every key', () => {
    const text = `
apiVersion: mirror.openshift.io/v2alpha1
kind: ImageSetConfiguration
archiveSize: 4
mirror:
  platform:
    graph: true
    release: quay.io/openshift-release-dev/ocp-release:4.18.1-x86_64
    kubeVirtContainer: true
    platforms:
    - {os: linux, architecture: amd64}
    channels: []
  operators:
  - catalog: registry.example/catalog:v4.18
    targetCatalog: mine/catalog
    targetTag: v1
    targetCatalogSourceTemplate: /srv/cs.yaml
    full: true
    packages:
    - name: foo
      defaultChannel: beta
      channels:
      - {name: beta, minVersion: 1.0.0, maxVersion: "2.0"}
  - catalog: oci:///srv/catalog
  additionalImages:
  - name: quay.io/a/b:v1
    targetRepo: c/d
    targetTag: v2
    platforms: [{os: linux, architecture: arm64}]
  helm:
    repositories:
    - name: podinfo
      url: https://charts.example/podinfo
      charts: [{name: podinfo, version: 5.0.0, imagePaths: ["{.spec.image}"]}]
    local:
    - path: /srv/chart.tgz
  blockedImages:
  - name: ubi8/ubi
  - docker.io/library/alpine
  - baseImage: quay.io/base/old:v1
`

    expect(parseImageSetConfig(text, 'isc.yaml')).toEqual({
      warnings: [],
      config: {
        archiveSize: 4,
        mirror: {
          platform: {
            graph: true,
            release: 'quay.io/openshift-release-dev/ocp-release:4.18.1-x86_64',
            kubeVirtContainer: true,
            architectures: [],
            platforms: [{ os: 'linux', architecture: 'amd64' }],
            channels: [],
          },
          operators: [
            {
              catalog: 'registry.example/catalog:v4.18',
              targetCatalog: 'mine/catalog',
              targetTag: 'v1',
              targetCatalogSourceTemplate: '/srv/cs.yaml',
              full: true,
              skipDependencies: false,
              platforms: [],
              packages: [
                {
                  name: 'foo',
                  defaultChannel: 'beta',
                  channels: [{ name: 'beta', minVersion: '1.0.0', maxVersion: '2.0' }],
                },
              ],
            },
            { catalog: 'oci:///srv/catalog', full: false, skipDependencies: false, platforms: [] },
          ],
          additionalImages: [
            {
              name: 'quay.io/a/b:v1',
              targetRepo: 'c/d',
              targetTag: 'v2',
              platforms: [{ os: 'linux', architecture: 'arm64' }],
            },
          ],
          helm: {
            repositories: [
              {
                name: 'podinfo',
                url: 'https://charts.example/podinfo',
                charts: [{ name: 'podinfo', version: '5.0.0', imagePaths: ['{.spec.image}'], platforms: [] }],
              },
            ],
            local: [{ path: '/srv/chart.tgz', imagePaths: [], platforms: [] }],
          },
          blockedImages: [
            { name: 'ubi8/ubi' },
            { name: 'docker.io/library/alpine' },
            { baseImage: 'quay.io/base/old:v1' },
          ],
          samples: [],
        },
      },
    })
  })

  it.each([
    ['keys in any case', mirror('ADDITIONALimages:', '- Name: quay.io/a:v1'), { name: 'quay.io/a:v1', platforms: [] }],
    [
      'null and empty as absent',
      mirror('operators: ~', 'additionalImages:', '- {name: quay.io/a:v1, targetTag: "", targetRepo: null}'),
      { name: 'quay.io/a:v1', platforms: [] },
    ],
    [
      'aliases',
      mirror('additionalImages:', '- name: &a quay.io/a:v1', '  targetTag: v2', '- name: *a'),
      { name: 'quay.io/a:v1', targetTag: 'v2', platforms: [] },
    ],
    [
      'JSON',
      `{"kind": "ImageSetConfiguration", "mirror": {"additionalImages": [{"name": "quay.io/a:v1"}]}}`,
      { name: 'quay.io/a:v1', platforms: [] },
    ],
    [
      'a byte order mark',
      `\ufeff${mirror('additionalImages:', '- name: quay.io/a:v1')}`,
      { name: 'quay.io/a:v1', platforms: [] },
    ],
  ])('reads %s', (_, text, first) => {
    expect(parseImageSetConfig(text, 'isc.yaml').config.mirror.additionalImages[0]).toEqual(first)
  })

  it('reads the booleans of YAML 1.1 where a boolean is expected, and only there', () => {
    const text = mirror('platform: {graph: yes, kubeVirtContainer: OFF}', 'additionalImages: [{name: yes}]')

    const { platform, additionalImages } = parseImageSetConfig(text, 'isc.yaml').config.mirror

    expect([platform?.graph, platform?.kubeVirtContainer, additionalImages[0]?.name]).toEqual([true, false, 'yes'])
  })

  it('tells packages that are empty from packages that are left out', () => {
    const text = mirror('operators:', '- {catalog: "quay.io/a:v1", packages: []}', '- {catalog: "quay.io/b:v1"}')

    const { operators } = parseImageSetConfig(text, 'isc.yaml').config.mirror

    expect(operators.map(({ packages }) => packages)).toEqual([[], undefined])
  })

  it('names every problem at once, with its place, text and what was meant', () => {
    const text = mirror(
      'additionalImage: []',
      'platform:',
      '  channels:',
      '  - {name: stable-4.18, minVersion: 4.10}',
      '  - {name: stable-4.18, typ: ocp}',
      '  architectures: [amd46]',
      'operators:',
      '- catalog: quay.io/c:v1',
      '  packages: [{name: foo, minVersion: one}, {name: foo}, {}]',
      'blockedImages: ["("]',
    )

    expect(() => parseImageSetConfig(text, 'isc.yaml')).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
    expect(problemsOf(text)).toEqual([
      {
        file: 'isc.yaml',
        line: 4,
        column: 3,
        path: 'mirror.additionalImage',
        text: 'additionalImage',
        message: 'unknown field "additionalImage"',
        hint: 'did you mean "additionalImages"?',
      },
      {
        file: 'isc.yaml',
        line: 7,
        column: 39,
        path: 'mirror.platform.channels[0].minVersion',
        text: '4.10',
        message: 'expected a string, got the number 4.10',
        hint: 'write it in quotes: "4.10"',
      },
      {
        file: 'isc.yaml',
        line: 8,
        column: 14,
        path: 'mirror.platform.channels[1].name',
        text: 'stable-4.18',
        message: 'release channel "stable-4.18": duplicate found in configuration',
      },
      {
        file: 'isc.yaml',
        line: 8,
        column: 27,
        path: 'mirror.platform.channels[1].typ',
        text: 'typ',
        message: 'unknown field "typ"',
        hint: 'did you mean "type"?',
      },
      {
        file: 'isc.yaml',
        line: 9,
        column: 21,
        path: 'mirror.platform.architectures[0]',
        text: 'amd46',
        message: 'expected one of amd64, arm64, ppc64le, s390x, multi, got the string "amd46"',
        hint: 'did you mean "amd64"?',
      },
      {
        file: 'isc.yaml',
        line: 12,
        column: 40,
        path: 'mirror.operators[0].packages[0].minVersion',
        text: 'one',
        message: 'catalog "quay.io/c:v1": operator "foo": minVersion "one" must respect semantic versioning notation',
      },
      {
        file: 'isc.yaml',
        line: 12,
        column: 53,
        path: 'mirror.operators[0].packages[1].name',
        text: 'foo',
        message: 'catalog "quay.io/c:v1": duplicate package entry "foo"',
        hint: 'merge the two entries into one',
      },
      {
        file: 'isc.yaml',
        line: 12,
        column: 59,
        path: 'mirror.operators[0].packages[2].name',
        text: '',
        message: 'missing key "name"',
      },
      {
        file: 'isc.yaml',
        line: 13,
        column: 19,
        path: 'mirror.blockedImages[0]',
        text: '(',
        message: 'blocked image "(": invalid regular expression: error parsing regexp: missing closing ): `(`',
      },
    ])
  })

  it('says in its message one problem a line', () => {
    expect(() => parseImageSetConfig(mirror('a: 1', 'b: 2'), 'isc.yaml')).toThrow(
      'isc.yaml: 2 problems\nisc.yaml:4:3: mirror.a: unknown field "a"\nisc.yaml:5:3: mirror.b: unknown field "b"',
    )
  })

  it.each([
    ['no kind', 'apiVersion: v\nmirror: {}\n', ['configuration missing `kind`']],
    ['nothing', '', ['configuration missing `kind`', 'configuration missing the `mirror` stanza']],
    ['a list', '- a', ['configuration missing `kind`', 'expected a mapping, got a list']],
    [
      'the kind for deleting',
      'kind: DeleteImageSetConfiguration\ndelete: {}\n',
      ['cannot parse "DeleteImageSetConfiguration" as "ImageSetConfiguration"'],
    ],
    ['no mirror', HEAD, ['configuration missing the `mirror` stanza']],
    ['delete', `${HEAD}mirror: {}\ndelete: {}\n`, ['delete: is not allowed in ImageSetConfiguration']],
    [
      'text that is not YAML',
      'kind: [',
      ['yaml: Flow sequence in block collection must be sufficiently indented and end with a ]'],
    ],
    [
      'a key twice',
      mirror('additionalImages: []', 'additionalImages: []'),
      ['key "additionalImages" already set in map'],
    ],
    [
      'a key in two spellings',
      mirror('additionalImages: []', 'additionalimages: []'),
      ['key "additionalimages" already set in map'],
    ],
    ['a merge key', mirror('<<: {}'), ['unknown field "<<"']],
    ['an alias without anchor', mirror('helm: *h'), ["unknown anchor 'h' referenced"]],
    ['a key of another place', mirror('kubeVirtContainer: true'), ['unknown field "kubeVirtContainer"']],
    ['an empty name', mirror('additionalImages: [{name: ""}]'), ['must not be empty']],
    ['a null in a list', mirror('additionalImages:', '-'), ['expected a mapping, got nothing']],
    ['a scalar for a list', mirror('additionalImages: a'), ['expected a list, got the string "a"']],
    ['a list for a scalar', mirror('additionalImages: [{name: [a]}]'), ['expected a string, got a list']],
    ['a string for a boolean', mirror('platform: {graph: "true"}'), ['expected true or false, got the string "true"']],
    ['a negative size', `${HEAD}mirror: {}\narchiveSize: -1\n`, ['must not be negative']],
    ['half a size', `${HEAD}mirror: {}\narchiveSize: 1.5\n`, ['expected a whole number, got the number 1.5']],
    [
      'half a platform',
      mirror('additionalImages: [{name: a, platforms: [{os: linux, architecture: ""}]}]'),
      ['must not be empty'],
    ],
    [
      'a blocked image of two kinds',
      mirror('blockedImages: [{name: a, baseImage: b}]'),
      ['expected a pattern, or an object with either "name" or "baseImage"'],
    ],
    [
      'a base image without tag',
      mirror('blockedImages: [{baseImage: quay.io/a}]'),
      ['not an image name: "quay.io/a": tag and digest are empty'],
    ],
    [
      'a target with a tag',
      mirror('additionalImages: [{name: "quay.io/a:v1", targetRepo: "a:b"}]'),
      [expect.stringContaining('invalid target path component "a:b": should not contain a tag or digest')],
    ],
    [
      'a target tag that is none',
      mirror('operators: [{catalog: "quay.io/a:v1", targetTag: a/b}]'),
      ['invalid target tag "a/b"'],
    ],
    [
      'a catalog twice',
      mirror('operators: [{catalog: "quay.io/a:v1"}, {catalog: "quay.io/a:v1"}]'),
      ['catalog "quay.io/a:v1": duplicate found in configuration'],
    ],
    [
      'two catalogs for one target',
      mirror('operators: [{catalog: "quay.io/a:v1", targetCatalog: c}, {catalog: "quay.io/b:v1", targetCatalog: c}]'),
      ['catalog "c:v1": duplicate found in configuration'],
    ],
    [
      'ranges of package and channel',
      mirror(
        'operators: [{catalog: "quay.io/a:v1", packages: [{name: p, maxVersion: "1", channels: [{name: c, minVersion: "1"}]}]}]',
      ),
      [
        'catalog "quay.io/a:v1": operator "p": mixing both filtering by minVersion/maxVersion and filtering by channel minVersion/maxVersion is not allowed',
      ],
    ],
    [
      'a channel version that is none',
      mirror('operators: [{catalog: "quay.io/a:v1", packages: [{name: p, channels: [{name: c, maxVersion: x}]}]}]'),
      ['catalog "quay.io/a:v1": operator "p": channel "c": maxVersion "x" must respect semantic versioning notation'],
    ],
    [
      'a channel twice',
      mirror('operators: [{catalog: "quay.io/a:v1", packages: [{name: p, channels: [{name: c}, {name: c}]}]}]'),
      ['catalog "quay.io/a:v1": operator "p": duplicate channel entry "c"'],
    ],
    [
      'platforms and architectures',
      mirror('platform: {architectures: [amd64], platforms: [{os: linux, architecture: amd64}]}'),
      ['platform.platforms and platform.architectures cannot be used together'],
    ],
    ['a NUL character', 'a\0b', ['is not text: it holds a NUL character']],
    ['more than 4 MiB', ' '.repeat(4 * 1024 * 1024 + 1), ['is larger than 4 MiB']],
  ])('refuses %s', (_, text, messages) => {
    expect(problemsOf(text).map(({ message }) => message)).toEqual(messages)
  })

  it('says key by key what to change in a configuration of v1', () => {
    const text = `kind: ImageSetConfiguration
apiVersion: mirror.openshift.io/v1alpha2
storageConfig: {local: {path: ./x}}
mirror:
  operators:
  - catalog: quay.io/c:v1
    targetName: mine
    originalRef: quay.io/c:v1
    packages:
    - name: p
      minBundle: p.v1
      channels: [{name: c, minBundle: p.v1}]
`

    expect(problemsOf(text).map(({ path, hint }) => `${path}: ${hint ?? ''}`)).toEqual([
      'storageConfig: a key of v1; remove it: v2 keeps its state in the workspace or beside the archive, and needs no storage',
      'mirror.operators[0].targetName: a key of v1; rename it to "targetCatalog", which takes a path such as "my-namespace/my-catalog"',
      'mirror.operators[0].originalRef: a key of v1; remove it, and name a catalog on disk by "catalog: oci:///path"',
      'mirror.operators[0].packages[0].minBundle: a key of v1; write "minVersion" with the version of that bundle',
      'mirror.operators[0].packages[0].channels[0].minBundle: a key of v1; write "minVersion" with the version of that bundle',
    ])
  })

  it('says where a key belongs that stands in the wrong place', () => {
    expect(problemsOf(mirror('kubeVirtContainer: true'))[0]?.hint).toBe('it belongs under "mirror.platform"')
  })

  it('warns of what is read with another meaning than its writer may expect', () => {
    const text = `apiVersion: mirror.openshift.io/v1alpha2
kind: ImageSetConfiguration
mirror:
  platform: {architectures: [amd64], release: "quay.io/r:v1", channels: [{name: stable-4.18}]}
  operators: [{catalog: "quay.io/c:v1", skipDependencies: true}]
  samples: [{name: s}]
---
kind: DeleteImageSetConfiguration
`

    expect(parseImageSetConfig(text, 'isc.yaml').warnings).toEqual([
      'isc.yaml: only the first of 2 documents is read',
      'isc.yaml:1:13: apiVersion "mirror.openshift.io/v1alpha2" is read as "mirror.openshift.io/v2alpha1"',
      'isc.yaml:4:29: platform.architectures is deprecated; use platform.platforms instead for sparse manifest platform filtering',
      'isc.yaml:4:73: platform.channels is ignored, since platform.release names one payload',
      'isc.yaml:5:59: skipDependencies is ignored: dependencies are never resolved',
      'isc.yaml:6:12: samples are ignored',
    ])
  })

  it('keeps credentials of the file out of what it says', () => {
    const [problem] = problemsOf(
      mirror(
        'helm: {local: [{path: p, url: x}], repositories: [{url: https://user:secret@charts.example, name: 1}]}',
        'https://user:secret@charts.example: 1',
      ),
    )

    expect(JSON.stringify(problem)).not.toContain('secret')
    expect(JSON.stringify(problemsOf(mirror('https://user:secret@charts.example: 1')))).not.toContain('secret')
  })

  it('does not expand aliases without end', () => {
    const lists = Array.from({ length: 20 }, (_, index) => {
      const item = index === 0 ? '{os: linux, architecture: amd64}' : `*p${index - 1}`
      return `- &i${index} {name: a, platforms: &p${index} [${Array(50).fill(item).join(', ')}]}`
    })
    const images = `additionalImages: [${Array(500).fill('*image').join(', ')}]`
    const platforms = `[${Array(500).fill('{os: a, architecture: b}').join(', ')}]`

    expect(problemsOf(mirror('additionalImages:', ...lists))).not.toEqual([])
    expect(problemsOf(mirror(`samples: [&image {name: a, platforms: ${platforms}}]`, images))).not.toEqual([])
    expect(
      problemsOf(
        mirror(
          `operators: [{catalog: a, platforms: &p ${platforms}}, ${Array(500).fill('{catalog: a, platforms: *p}').join(', ')}]`,
        ),
      ),
    ).toContainEqual(expect.objectContaining({ message: 'holds more than 100000 values' }))
  })

  it('answers deep nesting with an error', () => {
    expect(problemsOf(`kind: ${'['.repeat(10_000)}`)).not.toEqual([])
    expect(problemsOf(`${'- '.repeat(10_000)}a`)).not.toEqual([])
    expect(problemsOf(mirror(`a: &a {mirror: *a}`, 'helm: &h {local: *h}'))).not.toEqual([])
  })

  it('answers any text with a configuration or a ConfigError', () => {
    const yaml = fc
      .array(
        fc.constantFrom(
          'kind',
          'mirror',
          'ImageSetConfiguration',
          'delete',
          'operators',
          'name',
          'catalog',
          'packages',
          'blockedImages',
          'platforms',
          ': ',
          ':\n  ',
          '\n',
          '- ',
          '  ',
          '[',
          ']',
          '{',
          '}',
          ', ',
          '&a ',
          '*a',
          '!!str ',
          '"',
          "'",
          '|',
          '>',
          '---\n',
          '#',
          '~',
          '1',
          '? ',
          '%',
          '<<',
          'helm',
        ),
        { maxLength: 40 },
      )
      .map((parts) => parts.join(''))
    const inMirror = yaml.map((text) => `${HEAD}mirror:\n  ${text}`)
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), yaml, inMirror), (text) => {
        expect(Array.isArray(problemsOf(text))).toBe(true)
      }),
      { numRuns: 500 },
    )
  })

  it('answers any value with a configuration or a ConfigError', () => {
    const keys = fc.constantFrom(
      'kind',
      'mirror',
      'platform',
      'channels',
      'operators',
      'packages',
      'name',
      'catalog',
      'additionalImages',
      'helm',
      'local',
      'repositories',
      'blockedImages',
      'platforms',
      'os',
      'full',
    )
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 6 },
        fc.constantFrom(null, true, 1, 1.5, '', 'a', 'ImageSetConfiguration'),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(keys, tie('value'), { maxKeys: 5 }),
      ),
    }))
    fc.assert(
      fc.property(value, (json) => {
        const text = JSON.stringify({ kind: 'ImageSetConfiguration', mirror: json })
        expect(Array.isArray(problemsOf(text))).toBe(true)
      }),
      { numRuns: 500 },
    )
  })
})

describe('parseDeleteConfig', () => {
  it('reads what to delete', () => {
    const text = 'kind: DeleteImageSetConfiguration\ndelete:\n  additionalImages: [{name: "quay.io/a:v1"}]\n'

    expect(parseDeleteConfig(text, 'disc.yaml')).toEqual({
      warnings: [],
      config: { delete: { operators: [], additionalImages: [{ name: 'quay.io/a:v1', platforms: [] }] } },
    })
  })

  it.each([
    [
      'the kind for mirroring',
      'kind: ImageSetConfiguration\nmirror: {}\n',
      ['cannot parse "ImageSetConfiguration" as "DeleteImageSetConfiguration"'],
    ],
    [
      'mirror',
      'kind: DeleteImageSetConfiguration\nmirror: {}\ndelete: {}\n',
      ['mirror: is not allowed in DeleteImageSetConfiguration'],
    ],
    ['no delete', 'kind: DeleteImageSetConfiguration\n', ['configuration missing the `delete` stanza']],
    [
      'blockedImages',
      'kind: DeleteImageSetConfiguration\ndelete: {blockedImages: []}\n',
      ['unknown field "blockedImages"'],
    ],
    ['archiveSize', 'kind: DeleteImageSetConfiguration\narchiveSize: 1\ndelete: {}\n', ['unknown field "archiveSize"']],
    [
      'a catalog twice',
      'kind: DeleteImageSetConfiguration\ndelete: {operators: [{catalog: a}, {catalog: a}]}\n',
      ['catalog "a": duplicate found in configuration'],
    ],
  ])('refuses %s', (_, text, messages) => {
    expect(problemsOf(text, parseDeleteConfig).map(({ message }) => message)).toEqual(messages)
  })
})
