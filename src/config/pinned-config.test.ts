import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { parseDeleteConfig, parseImageSetConfig } from './parse-image-set-config.ts'
import { renderPinned } from './pinned-config.ts'

const TEXT = `kind: ImageSetConfiguration
archiveSize: 4
mirror:
  platform:
    graph: true
    kubeVirtContainer: false
    channels:
    - {name: stable-4.18, minVersion: 4.18.1, maxVersion: 4.18.2, full: true}
    - {name: okd, type: okd}
  operators:
  - {catalog: "quay.io/c:v1", targetTag: "1.10"}
  - catalog: quay.io/d:v1
    targetCatalog: mine
    platforms: [{os: linux, architecture: amd64}]
    packages: [{name: foo, minVersion: 1.0.0}, {name: bar, channels: [{name: beta}]}]
  additionalImages:
  - {name: "quay.io/a:v1", targetRepo: b, targetTag: "yes"}
  helm:
    repositories: [{name: r, url: "https://charts.example", charts: [{name: c, version: 5.0.0, imagePaths: ["{.a}"]}]}]
    local: [{path: /srv/chart}]
  blockedImages: [ubi8/ubi, {name: "^a$"}, {baseImage: "quay.io/b:v1"}]
  samples: [{name: s}]
`

describe('renderPinned', () => {
  it('sorts keys, leaves out what is empty, and quotes what would not stay a string', () => {
    const { config } = parseImageSetConfig(TEXT, 'isc.yaml')

    expect(renderPinned(config, { kind: 'ImageSetConfiguration' })).toMatchInlineSnapshot(`
      "apiVersion: mirror.openshift.io/v2alpha1
      archiveSize: 4
      kind: ImageSetConfiguration
      mirror:
        additionalImages:
        - name: quay.io/a:v1
          targetRepo: b
          targetTag: "yes"
        blockedImages:
        - name: ubi8/ubi
        - name: ^a$
        - baseImage: quay.io/b:v1
        helm:
          local:
          - path: /srv/chart
          repositories:
          - charts:
            - imagePaths:
              - '{.a}'
              name: c
              version: 5.0.0
            name: r
            url: https://charts.example
        operators:
        - catalog: quay.io/c:v1
          packages: null
          targetTag: "1.10"
        - catalog: quay.io/d:v1
          packages:
          - minVersion: 1.0.0
            name: foo
          - channels:
            - name: beta
            name: bar
          platforms:
          - architecture: amd64
            os: linux
          targetCatalog: mine
        platform:
          channels:
          - full: true
            maxVersion: 4.18.2
            minVersion: 4.18.1
            name: stable-4.18
            type: ocp
          - name: okd
            type: okd
          graph: true
        samples:
        - name: s
      "
    `)
  })

  it('names the same images in a configuration for deleting', () => {
    const { config } = parseImageSetConfig(TEXT, 'isc.yaml')
    const text = renderPinned(config, { kind: 'DeleteImageSetConfiguration' })
    const { blockedImages: _, samples: __, ...imageSet } = config.mirror

    expect(parseDeleteConfig(text, 'disc.yaml').config).toEqual({ delete: imageSet })
  })

  it('writes what reads back as the same configuration', () => {
    const { config } = parseImageSetConfig(TEXT, 'isc.yaml')
    const text = renderPinned(config, { kind: 'ImageSetConfiguration' })

    expect(parseImageSetConfig(text, 'isc.yaml').config).toEqual(config)
  })

  it('writes an empty configuration', () => {
    const { config } = parseImageSetConfig('kind: ImageSetConfiguration\nmirror: {}\n', 'isc.yaml')

    expect(renderPinned(config, { kind: 'DeleteImageSetConfiguration' })).toBe(
      'apiVersion: mirror.openshift.io/v2alpha1\ndelete: {}\nkind: DeleteImageSetConfiguration\n',
    )
  })

  it('keeps every name a string, for readers of YAML 1.1 too', () => {
    const tricky = fc.constantFrom(
      '1.10',
      '0x1f',
      '1e3',
      '1:30',
      'no',
      'Y',
      '~',
      'null',
      '.inf',
      '2001-01-01',
      '0o7',
      '1_000',
      ' a',
      'a: b',
      '# a',
      '- a',
      "it's",
      '*a',
      '"',
    )
    fc.assert(
      fc.property(fc.oneof(tricky, fc.string({ unit: 'grapheme', minLength: 1 })), (name) => {
        const mirror = { operators: [], additionalImages: [{ name, platforms: [] }], blockedImages: [], samples: [] }
        const text = renderPinned({ mirror }, { kind: 'ImageSetConfiguration' })

        for (const version of ['1.1', '1.2'] as const) {
          expect(parse(text, { version })).toMatchObject({ mirror: { additionalImages: [{ name }] } })
        }
      }),
    )
  })
})
