import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadDeleteConfig, loadImageSetConfig } from './load-image-set-config.ts'

const { signal } = new AbortController()
let directory = ''

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'airlift-config-'))
})
afterAll(async () => {
  await rm(directory, { recursive: true })
})

async function file(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(directory, name)
  await writeFile(path, content)
  return path
}

describe('loadImageSetConfig', () => {
  it('reads a file', async () => {
    const path = await file('isc.yaml', 'kind: ImageSetConfiguration\nmirror: {}\n')

    expect(await loadImageSetConfig(path, { signal })).toEqual({
      config: { mirror: { operators: [], additionalImages: [], blockedImages: [], samples: [] } },
      warnings: [],
    })
  })

  it('names the file in what is wrong with it', async () => {
    const path = await file('bad.yaml', 'kind: ImageSetConfiguration\n')

    await expect(loadImageSetConfig(path, { signal })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: `${path}:1:1: configuration missing the \`mirror\` stanza`,
    })
  })

  it.each([
    ['nosuch.yaml', 'no such file or directory'],
    ['', 'is a directory'],
    ['isc.yaml/isc.yaml', 'not a directory'],
  ])('says why %j cannot be read', async (name, reason) => {
    await file('isc.yaml', '')
    const path = join(directory, name)

    await expect(loadImageSetConfig(path, { signal })).rejects.toMatchObject({
      code: 'CONFIG_UNREADABLE',
      message: `could not parse config: open ${path}: ${reason}`,
    })
  })

  it('refuses what is not UTF-8', async () => {
    const path = await file('latin1.yaml', Uint8Array.of(0x6b, 0xe4))

    await expect(loadImageSetConfig(path, { signal })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('is not UTF-8'),
    })
  })

  it('refuses an endless file without reading it whole', async () => {
    await expect(loadImageSetConfig('/dev/zero', { signal })).rejects.toMatchObject({ code: 'CONFIG_UNREADABLE' })
  })

  it('stops when it is told to', async () => {
    const reason = new Error('stopped')

    await expect(loadImageSetConfig('/dev/zero', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  })
})

describe('loadDeleteConfig', () => {
  it('reads a file', async () => {
    const path = await file('disc.yaml', 'kind: DeleteImageSetConfiguration\ndelete: {}\n')

    expect(await loadDeleteConfig(path, { signal })).toEqual({
      config: { delete: { operators: [], additionalImages: [] } },
      warnings: [],
    })
  })
})
