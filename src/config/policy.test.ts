import { writeFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { tempDir } from '../../test/support/temp-dir.ts'
import { parseReference } from '../oci/reference.ts'
import { parsePolicy } from './policy-parse.ts'
import { requirementsFor } from './policy-requirements.ts'
import type { PolicyRequirement } from './policy-types.ts'
import { loadPolicy, loadPolicyKeys } from './policy.ts'

const { signal } = new AbortController()
const ANY = { type: 'insecureAcceptAnything' }
const DEFAULT_IDENTITY = { type: 'matchRepoDigestOrExact' }

function parseRequirement(requirement: object): PolicyRequirement | undefined {
  return parsePolicy(JSON.stringify({ default: [requirement] }), 'p.json').default[0]
}

describe('parsePolicy', () => {
  it.each([
    [ANY, ANY],
    [{ type: 'reject' }, { type: 'reject' }],
    [
      { type: 'signedBy', keyType: 'GPGKeys', keyPath: '/k' },
      { type: 'signedBy', keyType: 'GPGKeys', keys: [{ path: '/k' }], signedIdentity: DEFAULT_IDENTITY },
    ],
    [
      { type: 'signedBy', keyType: 'GPGKeys', keyPaths: ['/k', '/l'], signedIdentity: { type: 'matchExact' } },
      {
        type: 'signedBy',
        keyType: 'GPGKeys',
        keys: [{ path: '/k' }, { path: '/l' }],
        signedIdentity: { type: 'matchExact' },
      },
    ],
    [
      {
        type: 'sigstoreSigned',
        keyDatas: ['a2V5', 'a2V5'],
        signedIdentity: { type: 'remapIdentity', prefix: 'm.io:5000/a', signedPrefix: 'quay.io' },
      },
      {
        type: 'sigstoreSigned',
        trust: 'keys',
        keys: [{ data: Buffer.from('key') }, { data: Buffer.from('key') }],
        rekor: false,
        signedIdentity: { type: 'remapIdentity', prefix: 'm.io:5000/a', signedPrefix: 'quay.io' },
      },
    ],
    [
      {
        type: 'sigstoreSigned',
        fulcio: { caPath: '/ca', oidcIssuer: 'https://i', subjectEmail: 'a@b' },
        rekorPublicKeyPath: '/r',
        signedIdentity: { type: 'exactReference', dockerReference: 'quay.io/a:v1' },
      },
      {
        type: 'sigstoreSigned',
        trust: 'fulcio',
        keys: [],
        rekor: true,
        signedIdentity: { type: 'exactReference', dockerReference: 'quay.io/a:v1' },
      },
    ],
    [
      { type: 'sigstoreSigned', pki: { caRootsPath: '/ca', subjectHostname: 'h' } },
      { type: 'sigstoreSigned', trust: 'pki', keys: [], rekor: false, signedIdentity: DEFAULT_IDENTITY },
    ],
    [
      {
        type: 'signedBaseLayer',
        baseLayerIdentity: { type: 'exactRepository', dockerRepository: 'quay.io/a' },
      },
      { type: 'signedBaseLayer' },
    ],
  ])('reads %j', (text, expected) => {
    expect(parseRequirement(text)).toEqual(expected)
  })

  it.each([
    ['{', 'p.json'],
    ['{}', '["default"]'],
    ['{"default": []}', 'at least one requirement'],
    ['{"default": [{"type": "reject"}], "x": 1}', 'x'],
    ['{"default": [{"type": "reject"}], "default": [{"type": "reject"}]}', 'duplicate key "default"'],
    ['{"default": [{"type": "reject"}], "transports": {"docker": {"r.io": []}}}', '["transports"]["docker"]["r.io"]'],
  ])('refuses %s', (text, message) => {
    expect(() => parsePolicy(text, '/x/p.json')).toThrow(expect.objectContaining({ code: 'POLICY_INVALID' }))
    expect(() => parsePolicy(text, '/x/p.json')).toThrow(message)
  })

  it.each([
    [{ type: 'accept' }, 'unknown policy requirement type "accept"'],
    [{}, '["type"]'],
    [{ type: 'reject', x: 1 }, 'x'],
    [{ type: 'signedBy', keyType: 'GPGKeys' }, 'exactly one of keyPath, keyPaths and keyData'],
    [{ type: 'signedBy', keyType: 'GPGKeys', keyPath: '/k', keyData: 'a2V5' }, 'exactly one of keyPath'],
    [{ type: 'signedBy', keyType: 'GPGKeys', keyPaths: [] }, 'keyPaths'],
    [{ type: 'signedBy', keyType: 'other', keyPath: '/k' }, 'keyType'],
    [{ type: 'signedBy', keyPath: '/k' }, 'keyType'],
    [{ type: 'signedBy', keyType: 'GPGKeys', keyData: '%' }, 'keyData'],
    [{ type: 'sigstoreSigned' }, 'exactly one of keyPath, keyPaths, keyData, keyDatas, fulcio and pki'],
    [
      { type: 'sigstoreSigned', fulcio: { caPath: '/ca', oidcIssuer: 'i', subjectEmail: 'e' } },
      'fulcio needs a rekorPublicKey',
    ],
    [
      { type: 'sigstoreSigned', keyPath: '/k', rekorPublicKeyPath: '/r', rekorPublicKeyData: 'a2V5' },
      'at most one of the rekorPublicKey',
    ],
    [{ type: 'sigstoreSigned', pki: { caRootsPath: '/ca' } }, 'subjectEmail and subjectHostname'],
    [{ type: 'sigstoreSigned', keyPath: '/k', signedIdentity: { type: 'matchAll' } }, 'signedIdentity'],
    [{ type: 'sigstoreSigned', keyPath: '/k', signedIdentity: { type: 'matchExact', x: 1 } }, 'signedIdentity'],
    [
      {
        type: 'sigstoreSigned',
        keyPath: '/k',
        signedIdentity: { type: 'remapIdentity', prefix: 'a/', signedPrefix: 'b' },
      },
      'host[:port][/path]',
    ],
    [
      {
        type: 'sigstoreSigned',
        keyPath: '/k',
        signedIdentity: { type: 'exactReference', dockerReference: 'quay.io/a' },
      },
      'no reference with a tag or a digest',
    ],
  ])('refuses the requirement %j', (requirement, message) => {
    expect(() => parseRequirement(requirement)).toThrow(expect.objectContaining({ code: 'POLICY_INVALID' }))
    expect(() => parseRequirement(requirement)).toThrow(message)
  })
})

describe('requirementsFor', () => {
  const named = (name: string): object[] => [{ type: 'signedBy', keyType: 'GPGKeys', keyPath: name }]
  const scopes = ['r.io/a/b:v1', 'r.io/a/b', 'r.io/a', 'r.io:5000', '*.example.com', '*.com', '']
  const policy = parsePolicy(
    JSON.stringify({
      default: named('default'),
      transports: {
        docker: Object.fromEntries(scopes.map((scope) => [scope, named(scope || 'docker')])),
        oci: { '/layouts': named('/layouts'), '/layouts/x:v1': named('/layouts/x:v1') },
        'docker-daemon': { '': [ANY] },
      },
    }),
    'p.json',
  )
  const keyPath = (requirements: readonly PolicyRequirement[]): unknown => {
    const [first] = requirements
    return first !== undefined && 'keys' in first ? first.keys[0] : undefined
  }

  it.each([
    ['r.io/a/b:v1', 'r.io/a/b:v1'],
    ['r.io/a/b:v2', 'r.io/a/b'],
    ['r.io/a/bb:v1', 'r.io/a'],
    ['r.io/x:v1', 'docker'],
    ['r.io:5000/a/b:v1', 'r.io:5000'],
    ['x.y.example.com/a:v1', '*.example.com'],
    ['example.com/a:v1', '*.com'],
  ])('takes for %s those of %s alone', (text, path) => {
    const found = requirementsFor(policy, { transport: 'docker', reference: parseReference(text) })

    expect(keyPath(found)).toEqual({ path })
  })

  it.each([
    ['/layouts/x', 'v1', '/layouts/x:v1'],
    ['/layouts/x', 'v2', '/layouts'],
    ['/other', 'v1', 'default'],
  ])('takes for the layout %s and %s those of %s', (path, tag, expected) => {
    expect(keyPath(requirementsFor(policy, { transport: 'oci', path, tag }))).toEqual({ path: expected })
  })
})

describe('loadPolicy', () => {
  it("reads the named file, or the user's, or the system's", async () => {
    await using dir = await tempDir()
    const systemFile = dir.join('system.json')
    await writeFile(systemFile, '{"default": [{"type": "reject"}]}')
    await writeFile(dir.join('named.json'), '{"default": [{"type": "insecureAcceptAnything"}]}')
    const options = { home: dir.path, systemFile, signal }

    expect((await loadPolicy(options)).default).toEqual([{ type: 'reject' }])
    expect((await loadPolicy({ ...options, file: dir.join('named.json') })).default).toEqual([ANY])
  })

  it.each([undefined, 'none.json'])('refuses to go on where there is none', async (name) => {
    await using dir = await tempDir()
    const file = name === undefined ? undefined : dir.join(name)

    await expect(
      loadPolicy({ file, home: dir.path, systemFile: dir.join('none/x.json'), signal }),
    ).rejects.toMatchObject({ code: 'POLICY_INVALID', message: expect.stringContaining('no signature policy at') })
  })
})

describe('loadPolicyKeys', () => {
  it('reads each key file once', async () => {
    await using dir = await tempDir()
    const path = dir.join('key')
    await writeFile(path, 'key')
    const { default: requirements } = parsePolicy(
      JSON.stringify({
        default: [
          { type: 'signedBy', keyType: 'GPGKeys', keyPaths: [path, path] },
          { type: 'sigstoreSigned', keyData: 'a2V5' },
          { type: 'reject' },
        ],
      }),
      'p.json',
    )

    expect(await loadPolicyKeys(requirements, { signal })).toEqual(new Map([[path, Buffer.from('key')]]))
  })

  it.each([
    [{ type: 'signedBy', keyType: 'GPGKeys', keyPath: '/none/key' }, '/none/key'],
    [{ type: 'signedBy', keyType: 'X509Certificates', keyPath: '/none/key' }, 'keyType "X509Certificates"'],
    [
      {
        type: 'sigstoreSigned',
        fulcio: { caData: 'a2V5', oidcIssuer: 'i', subjectEmail: 'e' },
        rekorPublicKeyData: 'a2V5',
      },
      '"fulcio"',
    ],
    [{ type: 'sigstoreSigned', pki: { caRootsData: 'a2V5', subjectEmail: 'e' } }, '"pki"'],
    [{ type: 'sigstoreSigned', keyData: 'a2V5', rekorPublicKeyData: 'a2V5' }, 'transparency log'],
    [{ type: 'signedBaseLayer', baseLayerIdentity: { type: 'matchExact' } }, 'signedBaseLayer'],
  ])('ends the run early for %j', async (requirement, message) => {
    const { default: requirements } = parsePolicy(JSON.stringify({ default: [requirement] }), 'p.json')

    const failure = loadPolicyKeys(requirements, { signal })

    await expect(failure).rejects.toMatchObject({ code: 'POLICY_INVALID' })
    await expect(failure).rejects.toThrow(message)
  })
})
