/** Files that users write, for tests: image set configurations and auth files. */
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Writes a configuration with these additional images, and gives its path back. */
export async function writeImageSet(path: string, names: readonly string[]): Promise<string> {
  await mkdir(dirname(path), { recursive: true })
  const lines = [
    'kind: ImageSetConfiguration',
    'apiVersion: mirror.openshift.io/v2alpha1',
    'mirror:',
    '  additionalImages:',
    ...names.map((name) => `  - name: ${name}`),
  ]
  await writeFile(path, `${lines.join('\n')}\n`)
  return path
}

/** Writes an auth file that names each registry, and gives its path back. */
export async function writeAuthFile(path: string, credentials: Credentials): Promise<string> {
  await mkdir(dirname(path), { recursive: true })
  const auths = Object.entries(credentials).map(([registry, { username, password }]) => [
    registry,
    { auth: Buffer.from(`${username}:${password}`).toString('base64') },
  ])
  await writeFile(path, JSON.stringify({ auths: Object.fromEntries(auths) }), { mode: 0o600 })
  return path
}

/** By registry, `127.0.0.1:5000`. */
export type Credentials = Readonly<Record<string, { readonly username: string; readonly password: string }>>
