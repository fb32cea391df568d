import { mkdir, writeFile } from 'node:fs/promises'
import { rootCertificates } from 'node:tls'
import { describe, expect, it } from 'vitest'
import { tempDir } from '../../test/support/temp-dir.ts'
import { makeCa } from '../../test/support/tls.ts'
import { splitCertificates } from './pem.ts'
import { loadSystemCa } from './system-ca.ts'

const { signal } = new AbortController()
const NOWHERE = { files: [], directories: [] }

describe('loadSystemCa', () => {
  it('reads the first file there is and all directories, each certificate once', async () => {
    await using dir = await tempDir()
    const [one, two, three] = [await makeCa('One'), await makeCa('Two'), await makeCa('Three')]
    await mkdir(dir.join('certs/sub'), { recursive: true })
    await writeFile(dir.join('a.pem'), `# One\n${one.cert}\n${two.cert}`)
    await writeFile(dir.join('b.pem'), 'never read')
    await writeFile(dir.join('certs/3.pem'), three.cert.replaceAll('\n', '\r\n'))
    await writeFile(dir.join('certs/1.pem'), one.cert)
    const defaults = {
      files: [dir.join('none.pem'), dir.join('a.pem'), dir.join('b.pem')],
      directories: [dir.join('none'), dir.join('certs')],
    }

    expect(await loadSystemCa({ env: {}, signal, defaults })).toEqual(
      [one, two, three].flatMap(({ cert }) => splitCertificates(cert)),
    )
  })

  it('lets SSL_CERT_FILE and SSL_CERT_DIR each take the place of one list', async () => {
    await using dir = await tempDir()
    const [one, two, three] = [await makeCa('One'), await makeCa('Two'), await makeCa('Three')]
    await mkdir(dir.join('x'))
    await mkdir(dir.join('y'))
    await writeFile(dir.join('one.pem'), one.cert)
    await writeFile(dir.join('x/two.pem'), two.cert)
    await writeFile(dir.join('y/three.pem'), three.cert)
    const defaults = { files: [dir.join('one.pem')], directories: [dir.join('x')] }
    const load = (env: Readonly<Record<string, string>>): Promise<readonly string[]> =>
      loadSystemCa({ env, signal, defaults })
    const [pemOne, pemTwo, pemThree] = [one, two, three].map(({ cert }) => splitCertificates(cert)[0])

    expect(await load({ SSL_CERT_FILE: dir.join('y/three.pem') })).toEqual([pemThree, pemTwo])
    expect(await load({ SSL_CERT_DIR: `${dir.join('x')}:${dir.join('y')}` })).toEqual([pemOne, pemTwo, pemThree])
    expect(await load({ SSL_CERT_FILE: dir.join('y/three.pem'), SSL_CERT_DIR: dir.join('y') })).toEqual([pemThree])
  })

  it('falls back to the certificates of Node.js where the system has no store', async () => {
    expect(await loadSystemCa({ env: {}, signal, defaults: NOWHERE })).toEqual(rootCertificates)
  })

  it('trusts nobody else where the environment names a store without certificates', async () => {
    const env = { SSL_CERT_FILE: '/none/ca.pem', SSL_CERT_DIR: '/none' }

    await expect(loadSystemCa({ env, signal, defaults: NOWHERE })).rejects.toMatchObject({
      code: 'CERTIFICATE_INVALID',
      message: 'no certificate found where SSL_CERT_FILE=/none/ca.pem SSL_CERT_DIR=/none says',
    })
  })
})
