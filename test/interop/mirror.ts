/** Mirrors from one far end to the other, below `far/side`, as a user would: configuration, auth file, command line. */
import { writeFile } from 'node:fs/promises'
import { runAirlift } from '../support/run-airlift.ts'
import type { TempDir } from '../support/temp-dir.ts'
import type { CertificateAuthority } from '../support/tls.ts'
import { writeAuthFile, writeImageSet } from '../support/user-files.ts'
import type { FarEnd } from './far-ends.ts'

export interface MirrorOptions {
  readonly dir: TempDir
  readonly ca: CertificateAuthority
  /** Images of the source, `app/web:v1`. */
  readonly names: readonly string[]
}

/** @throws unless the exit code is 0. */
export async function mirror(source: FarEnd, target: FarEnd, { dir, ca, names }: MirrorOptions): Promise<void> {
  const config = await writeImageSet(
    dir.join('isc.yaml'),
    names.map((name) => `${source.host}/${name}`),
  )
  const authFile = await writeAuthFile(dir.join('auth.json'), { ...source.credentials, ...target.credentials })
  await writeFile(dir.join('ca.crt'), ca.cert)
  const files = ['-c', config, '--authfile', authFile, '--workspace', `file://${dir.join('workspace')}`]
  const { exitCode, stderr } = await runAirlift([...files, `docker://${target.host}/far/side`], {
    home: dir.join('home'),
    env: { SSL_CERT_FILE: dir.join('ca.crt') },
  })
  if (exitCode !== 0) throw new Error(`exit code ${exitCode}:\n${stderr}`)
}
