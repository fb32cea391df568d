import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { someDigest } from '../../test/support/archive-contents.ts'
import { tempDir } from '../../test/support/temp-dir.ts'
import type { TempDir } from '../../test/support/temp-dir.ts'
import { readHistory, writeHistory } from './history.ts'

const [A, B, C] = [someDigest('a'), someDigest('b'), someDigest('c', 'sha512')]
const signal = new AbortController().signal

/** A workspace with history files: time → lines. */
async function workspace(files: Readonly<Record<string, string>>): Promise<TempDir> {
  const dir = await tempDir()
  await mkdir(dir.join('.history'))
  for (const [name, text] of Object.entries(files)) await writeFile(dir.join('.history', name), text)
  return dir
}

describe('readHistory', () => {
  it('knows nothing of a workspace without history', async () => {
    await using dir = await tempDir()

    expect(await readHistory(dir.join('working-dir'), { signal })).toEqual(new Set())
  })

  it('reads the newest file by the time in its name, of whatever zone', async () => {
    await using dir = await workspace({
      '.history-2026-01-16T11:15:20Z': `${A}\n`,
      '.history-2026-01-16T12:00:00+02:00': `${B}\n`,
      '.history-2025-12-31T23:59:59Z': `${C}\n`,
    })

    expect(await readHistory(dir.path, { signal })).toEqual(new Set([A]))
  })

  it.each([
    ['2026-01-17', [A]],
    ['2026-01-16', [C]],
    ['2025-12-31', []],
  ])('takes the newest from before %s', async (before, expected) => {
    await using dir = await workspace({
      '.history-2026-01-16T00:00:00Z': `${A}\n`,
      '.history-2025-12-31T00:00:00Z': `${C}\n`,
    })

    expect(await readHistory(dir.path, { before: new Date(before), signal })).toEqual(new Set(expected))
  })

  it('takes what the original writes, and passes over all that is no digest and no history', async () => {
    await using dir = await workspace({
      '.history-2026-01-16T11:15:20Z': `${B}\n${A}\n\nsha256:short\n${A.slice(0, 40)}`,
      '.history-tomorrow': `${C}\n`,
      'history-2027-01-16T11:15:20Z': `${C}\n`,
      '.0b5f.tmp': `${C}\n`,
    })

    expect(await readHistory(dir.path, { signal })).toEqual(new Set([A, B]))
  })

  it('says that a history cannot be read', async () => {
    await using dir = await workspace({})
    await mkdir(dir.join('.history', '.history-2026-01-16T11:15:20Z'))

    await expect(readHistory(dir.path, { signal })).rejects.toThrow(
      expect.objectContaining({ code: 'DISK_FAILED', hint: expect.stringContaining('again') }),
    )
  })

  it('ends with the reason of its signal', async () => {
    await using dir = await workspace({ '.history-2026-01-16T11:15:20Z': `${A}\n` })
    const reason = new Error('enough')

    await expect(readHistory(dir.path, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  })
})

describe('writeHistory', () => {
  it('writes a line for each digest, sorted, and reads them back', async () => {
    await using dir = await tempDir()

    const path = await writeHistory(dir.path, '2026-01-16T11:15:20Z', new Set([B, A, C]))

    expect(path).toBe(dir.join('.history', '.history-2026-01-16T11:15:20Z'))
    expect(await readdir(dir.join('.history'))).toEqual(['.history-2026-01-16T11:15:20Z'])
    expect(await readFile(path, 'utf8')).toBe(
      [A, B, C]
        .toSorted()
        .map((digest) => `${digest}\n`)
        .join(''),
    )
    expect(await readHistory(dir.path, { signal })).toEqual(new Set([A, B, C]))
  })
})
