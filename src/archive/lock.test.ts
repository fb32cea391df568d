import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, utimesSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { tempDir } from '../../test/support/temp-dir.ts'
import { DirectoryLock } from './lock.ts'
import { bootId, pidNamespace, processStart } from './machine.ts'

const HOLDER = resolve(import.meta.dirname, '../../test/support/hold-lock.ts')

const holder = (changes: Readonly<Record<string, unknown>>): string =>
  JSON.stringify({
    id: 'another',
    pid: process.pid,
    start: processStart(process.pid),
    boot: bootId(),
    namespace: pidNamespace(),
    host: 'elsewhere',
    ...changes,
  })

describe('DirectoryLock', () => {
  it('refuses a second holder while the first lives, and not after it was killed', async () => {
    await using dir = await tempDir()
    const path = dir.join('lock')
    const child = spawn(process.execPath, [HOLDER, path], { stdio: ['ignore', 'pipe', 'inherit'] })
    const exited = once(child, 'exit')
    await once(child.stdout, 'data')

    expect(() => new DirectoryLock(path)).toThrow(
      expect.objectContaining({
        code: 'ARCHIVE_BUSY',
        message: expect.stringContaining(`process ${child.pid}`) as string,
      }),
    )
    child.kill('SIGKILL')
    await exited

    expect(existsSync(path)).toBe(true)
    using _lock = new DirectoryLock(path)
  })

  it('is gone once it is released', async () => {
    await using dir = await tempDir()
    const path = dir.join('lock')
    for (const _ of [1, 2]) {
      using _lock = new DirectoryLock(path)
      expect(existsSync(path)).toBe(true)
    }
    expect(existsSync(path)).toBe(false)
  })

  it.each([
    ['of a process that has ended', { pid: 2 ** 22 + 1 }],
    ['of another process that had the same id', { start: '1' }],
    ['of an earlier boot, not touched since', { boot: 'earlier', stale: true }],
    ['of another machine, not touched any more', { namespace: 'other', stale: true }],
  ])('takes over the lock %s', async (_, { stale, ...changes }: Record<string, unknown>) => {
    await using dir = await tempDir()
    const path = dir.join('lock')
    writeFileSync(path, holder(changes))
    if (stale === true) utimesSync(path, 1, 1)

    using _lock = new DirectoryLock(path)
  })

  it.each([
    ['of this process', {}],
    ['of a process that cannot be seen from here', { namespace: 'other', pid: 2 ** 22 + 1 }],
  ])('respects the lock %s', async (_, changes) => {
    await using dir = await tempDir()
    const path = dir.join('lock')
    writeFileSync(path, holder(changes))

    expect(() => new DirectoryLock(path)).toThrow(expect.objectContaining({ code: 'ARCHIVE_BUSY' }))
  })

  it.each(['', 'not json', '{"id":1}'])('takes over a file that says %j once it is old', async (text) => {
    await using dir = await tempDir()
    const path = dir.join('lock')
    writeFileSync(path, text)
    expect(() => new DirectoryLock(path)).toThrow(expect.objectContaining({ code: 'ARCHIVE_BUSY' }))
    utimesSync(path, 1, 1)

    using _lock = new DirectoryLock(path)
  })

  it('lets one of many win that find the same dead holder', async () => {
    await using dir = await tempDir()
    const path = dir.join('lock')
    writeFileSync(path, holder({ pid: 2 ** 22 + 1 }))
    const children = Array.from({ length: 4 }, () =>
      spawn(process.execPath, [HOLDER, path], { stdio: ['ignore', 'pipe', 'ignore'] }),
    )
    const told = await Promise.all(
      children.map(async (child) => {
        const [data] = (await Promise.race([once(child.stdout, 'data'), once(child, 'exit')])) as [unknown]
        return String(data).trim()
      }),
    )
    for (const child of children) child.kill('SIGKILL')

    expect(told.filter((text) => text === 'held')).toHaveLength(1)
  })
})
