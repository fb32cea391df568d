import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { describe, expect, it } from 'vitest'
import { tempDir } from '../../test/support/temp-dir.ts'
import type { TempDir } from '../../test/support/temp-dir.ts'
import { parseReference } from '../oci/reference.ts'
import { prepareRegistriesD } from './registries-d-workspace.ts'
import { loadRegistriesD, mergeRegistriesD, registriesDirectory, signatureSettings } from './registries-d.ts'
import type { RegistriesD } from './registries-d.ts'

const { signal } = new AbortController()
const merge = (...texts: readonly string[]): RegistriesD =>
  mergeRegistriesD(texts.map((text, index) => ({ file: `${index}.yaml`, text })))

async function write(dir: TempDir, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(dir.join(name)), { recursive: true })
    await writeFile(dir.join(name), text)
  }
}

describe('signatureSettings', () => {
  const conf = merge(
    `
default-docker:
  use-sigstore-attachments: true
  lookaside: https://default.example.com
`,
    `
docker:
  r.io:
    sigstore: https://old.example.com
  r.io/a:
    lookaside: https://a.example.com
    sigstore: https://not-read.example.com
    lookaside-staging: file:///staging
  r.io/a/b:
    use-sigstore-attachments: false
  r.io/a/b:v1:
    use-sigstore-attachments: true
  s.io:
`,
  )

  it.each([
    ['r.io/x:v1', 'https://old.example.com', true],
    ['r.io/a:v1', 'https://a.example.com', true],
    ['r.io/a/b:v2', 'https://a.example.com', false],
    ['r.io/a/b:v1', 'https://a.example.com', true],
    ['r.io:5000/a/b:v2', 'https://default.example.com', true],
    ['s.io/a:v1', 'https://default.example.com', true],
  ])('of %s are %s and %s: each from the most specific scope that has it', (text, lookaside, attachments) => {
    expect(signatureSettings(conf, parseReference(text))).toEqual({ lookaside, useSigstoreAttachments: attachments })
  })

  it('are open where nothing is configured', () => {
    expect(signatureSettings(merge(), parseReference('r.io/a:v1'))).toEqual({ useSigstoreAttachments: undefined })
  })
})

describe('mergeRegistriesD', () => {
  it.each([
    ['docker: {r.io: {}}', '"docker" namespace "r.io" defined both in "0.yaml" and "1.yaml"'],
    ['default-docker: {}', '"default-docker" defined both in "0.yaml" and "1.yaml"'],
  ])('refuses %s in two files', (text, message) => {
    expect(() => merge(text, text)).toThrow(
      expect.objectContaining({
        code: 'REGISTRIES_CONF_INVALID',
        message: `Error parsing signature storage configuration: ${message}`,
      }),
    )
  })

  it.each([
    'docker: [r.io]',
    'docker: {r.io: {use-sigstore-attachments: maybe}}',
    'docker: {',
    'docker: {}\ndocker: {}',
  ])('refuses %j, naming the file', (text) => {
    expect(() => merge('', text)).toThrow(
      expect.objectContaining({ code: 'REGISTRIES_CONF_INVALID', message: expect.stringContaining('1.yaml') }),
    )
  })
})

describe('loadRegistriesD', () => {
  it('reads the .yaml files of one directory, and none where it does not exist', async () => {
    await using dir = await tempDir()
    await write(dir, {
      'd/a.yaml': 'docker: {a.io: {}}',
      'd/b.yml': 'docker: {b.io: {}}',
      'd/sub/c.yaml': 'docker: {c.io: {}}',
    })

    expect([...(await loadRegistriesD(dir.join('d'), { signal })).scopes.keys()]).toEqual(['a.io'])
    expect((await loadRegistriesD(dir.join('none'), { signal })).scopes.size).toBe(0)
  })

  it("prefers the user's directory to the system's", async () => {
    await using dir = await tempDir()
    expect(await registriesDirectory(dir.path, '/system')).toBe('/system')

    await mkdir(dir.join('.config/containers/registries.d'), { recursive: true })
    expect(await registriesDirectory(dir.path, '/system')).toBe(dir.join('.config/containers/registries.d'))
  })
})

describe('prepareRegistriesD', () => {
  const WRITTEN = 'w/containers/registries.d'
  const prepare = (dir: TempDir, destination?: string): Promise<RegistriesD> =>
    prepareRegistriesD({
      workingDir: dir.join('w'),
      port: 55000,
      destination,
      home: dir.join('home'),
      systemDir: dir.join('etc'),
      signal,
    })
  const attachments = (conf: RegistriesD, text: string): boolean | undefined =>
    signatureSettings(conf, parseReference(text)).useSigstoreAttachments

  it('writes what oc-mirror writes', async () => {
    await using dir = await tempDir()

    const conf = await prepare(dir, 'mirror.example.com:8443')

    expect((await readdir(dir.join(WRITTEN))).toSorted()).toEqual([
      'default.yaml',
      'localhost:55000.yaml',
      'mirror.example.com:8443.yaml',
    ])
    expect(await readFile(dir.join(WRITTEN, 'default.yaml'), 'utf8')).toBe(
      'default-docker:\n  use-sigstore-attachments: true\n',
    )
    expect(await readFile(dir.join(WRITTEN, 'localhost:55000.yaml'), 'utf8')).toBe(
      'docker:\n  localhost:55000:\n    use-sigstore-attachments: true\n',
    )
    expect(attachments(conf, 'any.io/a:v1')).toBe(true)
  })

  it('never overrules what the user has configured', async () => {
    await using dir = await tempDir()
    await write(dir, {
      'etc/mine.yaml':
        'default-docker: {use-sigstore-attachments: false}\ndocker: {m.io/ns: {use-sigstore-attachments: false}}',
    })

    const conf = await prepare(dir, 'm.io')

    expect((await readdir(dir.join(WRITTEN))).toSorted()).toEqual(['localhost:55000.yaml', 'mine.yaml'])
    expect(attachments(conf, 'any.io/a:v1')).toBe(false)
    expect(attachments(conf, 'm.io/ns/a:v1')).toBe(false)
  })

  it('takes back what it wrote once the user configures it', async () => {
    await using dir = await tempDir()
    await prepare(dir, 'm.io/ns')
    await write(dir, { 'etc/mine.yaml': 'default-docker: {use-sigstore-attachments: false}' })

    expect(attachments(await prepare(dir, 'm.io/ns'), 'any.io/a:v1')).toBe(false)
  })

  it('copies the directory that is named in place of the default ones', async () => {
    await using dir = await tempDir()
    await write(dir, { 'etc/a.yaml': 'docker: {a.io: {}}', 'named/b.yaml': 'docker: {b.io: {lookaside: "https://l"}}' })
    const options = { workingDir: dir.join('w'), port: 1, home: dir.path, systemDir: dir.join('etc'), signal }

    const conf = await prepareRegistriesD({ ...options, from: dir.join('named') })

    expect([...conf.scopes.keys()]).toEqual(['b.io', 'localhost:1'])
  })
})
