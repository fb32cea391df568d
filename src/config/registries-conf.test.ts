import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { describe, expect, it } from 'vitest'
import { tempDir } from '../../test/support/temp-dir.ts'
import type { TempDir } from '../../test/support/temp-dir.ts'
import { loadRegistriesConf } from './registries-conf.ts'
import type { RegistriesConf } from './registries-conf-types.ts'

const { signal } = new AbortController()

async function write(dir: TempDir, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(dir.join(name)), { recursive: true })
    await writeFile(dir.join(name), text)
  }
}

function load(dir: TempDir, env: Readonly<Record<string, string>> = {}): Promise<RegistriesConf> {
  return loadRegistriesConf({ env, home: dir.join('home'), systemDir: dir.join('etc'), signal })
}

const USER = 'home/.config/containers/registries.conf'
const location = (name: string, more = ''): string => `[[registry]]\nlocation = "${name}"\n${more}\n`
const prefixes = ({ registries }: RegistriesConf): readonly string[] => registries.map(({ prefix }) => prefix)

describe('loadRegistriesConf', () => {
  it('is empty where there are no files', async () => {
    await using dir = await tempDir()

    expect(await load(dir)).toEqual({
      registries: [],
      credentialHelpers: ['containers-auth.json'],
      file: dir.join('etc/registries.conf'),
      directories: [dir.join('etc/registries.conf.d'), dir.join(`${USER}.d`)],
    })
  })

  it('merges the drop-ins of the system, then those of the user, table by table', async () => {
    await using dir = await tempDir()
    await write(dir, {
      'etc/registries.conf': location('a.com', '[[registry.mirror]]\nlocation = "m.com"') + location('b.com'),
      'etc/registries.conf.d/10-b.conf': location('b.com', 'blocked = true'),
      'etc/registries.conf.d/05-b.conf': `credential-helpers = []\n${location('b.com', 'insecure = true')}`,
      'etc/registries.conf.d/ignored.txt': 'not toml',
      'etc/registries.conf.d/sub.conf/x.conf': 'not toml',
      [`${USER}.d/a.conf`]: location('a.com', 'insecure = true') + location('c.com'),
    })

    expect(await load(dir)).toMatchObject({
      credentialHelpers: [],
      registries: [
        { prefix: 'a.com', insecure: true, mirrors: [] },
        { prefix: 'b.com', insecure: false, blocked: true },
        { prefix: 'c.com' },
      ],
    })
  })

  it("reads nothing of the system where the user's own file exists", async () => {
    await using dir = await tempDir()
    await write(dir, {
      'etc/registries.conf': location('system.com'),
      'etc/registries.conf.d/a.conf': location('system-drop-in.com'),
      [USER]: location('user.com'),
      [`${USER}.d/a.conf`]: location('user-drop-in.com'),
    })

    expect(prefixes(await load(dir))).toEqual(['user-drop-in.com', 'user.com'])
  })

  it('reads the file that the environment names, with the drop-ins of system and user', async () => {
    await using dir = await tempDir()
    await write(dir, {
      'named.conf': location('named.com'),
      'etc/registries.conf.d/a.conf': location('system-drop-in.com'),
      [USER]: location('user.com'),
      [`${USER}.d/a.conf`]: location('user-drop-in.com'),
    })

    const conf = await load(dir, { CONTAINERS_REGISTRIES_CONF: dir.join('named.conf') })

    expect(conf.file).toBe(dir.join('named.conf'))
    expect(prefixes(conf)).toEqual(['named.com', 'system-drop-in.com', 'user-drop-in.com'])
  })

  it('refuses a file that the environment names and that does not exist', async () => {
    await using dir = await tempDir()

    await expect(load(dir, { CONTAINERS_REGISTRIES_CONF: dir.join('none.conf') })).rejects.toMatchObject({
      code: 'REGISTRIES_CONF_INVALID',
      message: expect.stringContaining('none.conf'),
    })
  })

  it('refuses format 1 in a drop-in', async () => {
    await using dir = await tempDir()
    await write(dir, { 'etc/registries.conf.d/a.conf': '[registries.block]\nregistries = ["a.com"]' })

    await expect(load(dir)).rejects.toMatchObject({
      code: 'REGISTRIES_CONF_INVALID',
      message: expect.stringContaining('registry must be in v2 format but is in v1'),
    })
  })
})
