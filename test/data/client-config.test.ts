/** Configuration, keys and signatures as they are in use, of containers/image, CRI-O and Red Hat. */
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { findCredential, parseAuthFile } from '../../src/config/auth-file.ts'
import { parsePolicy } from '../../src/config/policy-parse.ts'
import { parseRegistriesConf } from '../../src/config/registries-conf-parse.ts'
import { mergeRegistriesD } from '../../src/config/registries-d.ts'
import { isDigest } from '../../src/oci/digest.ts'
import { parseReference } from '../../src/oci/reference.ts'
import { evaluatePolicy } from '../../src/signature/evaluate-policy.ts'
import { verifySignedMessage } from '../../src/signature/openpgp-message.ts'
import { parsePayload } from '../../src/signature/signature-payload.ts'
import { parsePublicKey, verifySigstoreSignature } from '../../src/signature/sigstore-signature.ts'

const DATA = resolve(process.env['AIRLIFT_SHARED'] ?? '../shared', 'data')
const CONFIG = join(DATA, '7-config')
const SIGNATURES = join(DATA, '3-release/signatures')
const LAYOUTS = join(DATA, '6-oci/oc-mirror-layouts')
const NOW = new Date('2026-06-01T00:00:00Z')
const text = (...path: readonly string[]): string => readFileSync(join(...path), 'utf8')

describe('registries.conf', () => {
  it.each([
    ['sysregistriesv2/aliases.conf', []],
    [
      'sysregistriesv2/unmarshal.conf',
      ['blocked.registry.com', 'insecure.registry.com', 'registry.com', 'untrusted.registry.com'],
    ],
    ['sysregistriesv2/v1-compatibility.conf', ['registry-a.com', 'registry-b.com', 'registry-d.com', 'registry-e.com']],
    ['sysregistriesv2/registries.conf.d/subdomain-override-2.conf', ['*.docker.com']],
    ['cri-o/registries.conf', []],
    ['containers-image-defaults/registries.conf', []],
  ])('reads %s', (file, prefixes) => {
    const { registries } = parseRegistriesConf(text(CONFIG, file), file)

    expect(registries.map(({ prefix }) => prefix)).toEqual(prefixes)
  })

  it.each([
    ['blocked-conflicts', "conflicting 'blocked' setting"],
    ['insecure-conflicts', "conflicting 'insecure' setting"],
    ['invalid-config-level-mirror', 'pull-from-mirror must not be set'],
    ['invalid-prefix', 'URI schemes are not supported'],
    ['invalid-short-name-mode', 'invalid short-name mode'],
    ['missing-mirror-location', 'mirror location is unset'],
    ['mixing-v1-v2', 'mixing sysregistry v1/v2'],
    ['try-update-cache-invalid', 'line 1'],
    ['v1-invalid-insecure', 'URI schemes are not supported'],
  ])('refuses %s.conf', (name, message) => {
    expect(() => parseRegistriesConf(text(CONFIG, 'sysregistriesv2', `${name}.conf`), name)).toThrow(message)
  })
})

describe('auth files and registries.d', () => {
  it.each([
    ['full.json', 'docker.io', { username: 'docker', password: 'io' }],
    ['full.json', 'localhost:5000', { username: 'local', password: 'host-5000' }],
    ['full.json', 'normalize.example.org', { username: 'normalize', password: 'example' }],
    ['legacy.json', 'docker.io', { username: 'docker', password: 'io-legacy' }],
    ['legacy.json', 'localhost', { username: 'local', password: 'host-legacy' }],
  ])('finds in %s the credential for %s', (name, registry, expected) => {
    const file = parseAuthFile(text(CONFIG, 'auth-and-registries.d', name), {
      path: name,
      legacy: name === 'legacy.json',
    })

    expect(findCredential(file, { registry })).toMatchObject(expected)
  })

  it('reads registries.d files together', () => {
    const names = ['emptyConfig.yaml', 'internal-example.com.yaml']
    const files = names.map((file) => ({ file, text: text(CONFIG, 'auth-and-registries.d', file) }))

    expect(mergeRegistriesD(files).scopes.get('localhost:8080')).toMatchObject({
      lookaside: 'file:///home/mitr/mydevelopment2',
    })
  })
})

describe('policies', () => {
  it.each([
    ['policy/policy.json', 'reject'],
    ['cri-o/policy.json', 'insecureAcceptAnything'],
    ['cri-o/policy-signature.json', 'reject'],
    ['containers-image-defaults/default-policy.json', 'insecureAcceptAnything'],
    ['oc-mirror/reject-all.json', 'reject'],
  ])('reads %s', (file, type) => {
    expect(parsePolicy(text(CONFIG, file), file).default).toEqual([{ type }])
  })
})

describe('OpenPGP signatures', () => {
  const keys = join(SIGNATURES, 'cluster-update-keys/keys')
  const keyrings = [
    readFileSync(join(keys, 'verifier-public-key-redhat-release')),
    readFileSync(join(SIGNATURES, 'library-go-testdata/keyrings/simple.txt')),
    readFileSync(join(SIGNATURES, 'library-go-testdata/keyrings/redhat.txt')),
  ]
  const stores = ['release', 'library-go-testdata/signatures'].map((store) => join(SIGNATURES, store))
  const cases = stores.flatMap((store) => readdirSync(store).map((name) => [name, join(store, name, 'signature-1')]))

  it.each(cases)('of %s are verified', async (name, file) => {
    const { content } = await verifySignedMessage(readFileSync(file), keyrings, { now: NOW })

    expect(parsePayload(content, 'atomic container signature').digest).toBe(name.replace('=', ':'))
  })

  it('of a release fulfil a policy whose keys are those of CRI-O', async () => {
    const policy = parsePolicy(text(CONFIG, 'cri-o/policy.json'), 'policy.json')
    const requirements = policy.transports.get('docker-daemon')?.get('registry.access.redhat.com') ?? []
    const [name = ''] = readdirSync(join(SIGNATURES, 'release'))
    const signature = readFileSync(join(SIGNATURES, 'release', name, 'signature-1'))
    const digest = name.replace('=', ':')
    const reference = parseReference(`quay.io/openshift-release-dev/ocp-release@${digest}`)

    expect(requirements).toHaveLength(1)
    expect(isDigest(digest)).toBe(true)
    const verdict = await evaluatePolicy({
      requirements,
      reference,
      manifestDigest: reference.digest ?? digestMissing(),
      simpleSignatures: [signature],
      sigstoreSignatures: [],
      keys: new Map(),
      now: NOW,
    })
    expect(verdict).toEqual({ accepted: true })
  })
})

function digestMissing(): never {
  throw new Error('the reference has no digest')
}

interface SignatureManifest {
  readonly layers: readonly Parameters<typeof verifySigstoreSignature>[0]['layer'][]
}

describe('cosign signatures', () => {
  const layouts = readdirSync(LAYOUTS).filter((name) => name.endsWith('-sig'))
  const readBlob = (layout: string, digest: string): Buffer =>
    readFileSync(join(LAYOUTS, layout, 'blobs', digest.replace(':', '/')))

  it.each(layouts)('of %s are by the key that was logged with them', (layout) => {
    const index = JSON.parse(text(LAYOUTS, layout, 'index.json')) as {
      readonly manifests: { readonly digest: string }[]
    }
    const manifest = JSON.parse(readBlob(layout, index.manifests[0]?.digest ?? '').toString()) as SignatureManifest
    for (const layer of manifest.layers) {
      const bundle = JSON.parse(layer.annotations?.['dev.sigstore.cosign/bundle'] ?? '') as {
        readonly Payload: { readonly body: string }
      }
      const body = JSON.parse(Buffer.from(bundle.Payload.body, 'base64').toString()) as {
        readonly spec: { readonly signature: { readonly publicKey: { readonly content: string } } }
      }
      const key = parsePublicKey(Buffer.from(body.spec.signature.publicKey.content, 'base64'))

      const payload = verifySigstoreSignature({ layer, payload: readBlob(layout, layer.digest) }, [key])

      expect(parsePayload(payload, 'cosign container image signature').name).toMatch(/^quay\.io\//)
    }
    expect(manifest.layers.length).toBeGreaterThan(0)
  })
})
