import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { describe, expect, it } from 'vitest'
import { tempDir } from '../../test/support/temp-dir.ts'
import type { TempDir } from '../../test/support/temp-dir.ts'
import { issueCertificate, makeCa } from '../../test/support/tls.ts'
import { loadCertificates } from './certs-dir.ts'
import type { RegistryCertificates } from './certs-dir.ts'
import { splitCertificates } from './pem.ts'

const { signal } = new AbortController()

async function write(dir: TempDir, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(dir.join(name)), { recursive: true })
    await writeFile(dir.join(name), text)
  }
}

function load(dir: TempDir, registry: string): Promise<RegistryCertificates> {
  return loadCertificates(registry, { home: dir.path, signal, dirs: [dir.join('1'), dir.join('2')] })
}

describe('loadCertificates', () => {
  it('reads authorities and the client pair of the first directory there is', async () => {
    await using dir = await tempDir()
    const [ca, other] = [await makeCa('One'), await makeCa('Two')]
    const client = await issueCertificate(ca, ['client'])
    await write(dir, {
      '1/r.io:5000/a.crt': `text before\n${ca.cert}\n${other.cert}`,
      '1/r.io:5000/client.cert': client.cert,
      '1/r.io:5000/client.key': client.key,
      '1/r.io:5000/README': 'ignored',
      '2/r.io:5000/b.crt': other.cert,
      '2/r.io/b.crt': other.cert,
    })

    expect(await load(dir, 'r.io:5000')).toEqual({
      ca: [...splitCertificates(ca.cert), ...splitCertificates(other.cert)],
      ...client,
    })
    expect(await load(dir, 'r.io')).toEqual({ ca: splitCertificates(other.cert) })
    expect(await load(dir, 'r.io:443')).toEqual({ ca: [] })
  })

  it("begins with the user's own directory", async () => {
    await using dir = await tempDir()
    const ca = await makeCa()
    await write(dir, { '.config/containers/certs.d/r.io/a.crt': ca.cert })

    expect(await loadCertificates('r.io', { home: dir.path, signal })).toEqual({ ca: splitCertificates(ca.cert) })
  })

  it.each([
    [
      { 'a.cert': 'x' },
      'missing key a.key for client certificate a.cert. Note that CA certificates should use the extension .crt',
    ],
    [{ 'a.key': 'x' }, 'missing client certificate a.cert for key a.key'],
    [{ 'a.cert': 'x', 'a.key': 'x' }, 'a.cert holds no certificate'],
    [{ 'a.crt': '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----' }, 'a.crt holds a broken certificate'],
  ])('refuses %j', async (files, problem) => {
    await using dir = await tempDir()
    await write(dir, Object.fromEntries(Object.entries(files).map(([name, text]) => [`1/r.io/${name}`, text])))

    await expect(load(dir, 'r.io')).rejects.toMatchObject({
      code: 'CERTIFICATE_INVALID',
      message: `reading certificates in ${dir.join('1/r.io')}: ${problem}`,
    })
  })

  it('reads one directory for every registry where it is named, and nothing beside it', async () => {
    await using dir = await tempDir()
    const [ca, other] = [await makeCa('One'), await makeCa('Two')]
    await write(dir, { 'own/a.crt': ca.cert, '1/r.io/b.crt': other.cert })
    const named = (name: string): Promise<RegistryCertificates> =>
      loadCertificates('r.io', { home: dir.path, signal, dirs: [dir.join('1')], directory: dir.join(name) })

    expect(await named('own')).toEqual({ ca: splitCertificates(ca.cert) })
    await expect(named('none')).rejects.toMatchObject({
      code: 'CERTIFICATE_INVALID',
      message: expect.stringContaining('none'),
    })
  })

  it('refuses a key that is not that of its certificate', async () => {
    await using dir = await tempDir()
    const ca = await makeCa()
    const [one, two] = [await issueCertificate(ca), await issueCertificate(ca)]
    await write(dir, { '1/r.io/a.cert': one.cert, '1/r.io/a.key': two.key })

    await expect(load(dir, 'r.io')).rejects.toThrow('a.key is not the private key of a.cert')
  })
})
