/** What Ctrl-C does to the real command line, once and twice. */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, it } from 'vitest'
import { tempDir } from '../support/temp-dir.ts'
import { startSmallSet } from './small-set.ts'
import { startOurRegistry } from '../support/our-registry.ts'

const PROGRAM = resolve(import.meta.dirname, '../../bin/airlift')

/** Runs a copy, and does `interrupt` to it when the first blob is on its way. */
async function interruptedRun(
  interrupt: (child: ChildProcess) => void,
): Promise<{ readonly exitCode: unknown; readonly stderr: string }> {
  await using dir = await tempDir()
  await using set = await startSmallSet(dir)
  await using target = await startOurRegistry(dir.join('target'))
  const flags = ['--src-tls-verify=false', '--dest-tls-verify=false', '--output=json']
  const args = ['-c', set.config, '--workspace', `file://${dir.join('w')}`, `docker://${target.host}/ns`, ...flags]
  const child = spawn(PROGRAM, args, {
    env: { PATH: process.env['PATH'], HOME: dir.path },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const stderr: string[] = []
  createInterface(child.stderr).on('line', (line) => stderr.push(line))
  let isInterrupted = false
  createInterface(child.stdout).on('line', (line) => {
    if (isInterrupted || !line.includes('"type":"blob-started"')) return
    isInterrupted = true
    interrupt(child)
  })
  const [exitCode] = (await once(child, 'close')) as [unknown]
  return { exitCode, stderr: stderr.join('\n') }
}

it.each(['SIGINT', 'SIGTERM'] as const)('%s stops the copies, and says how to go on', async (signal) => {
  const { exitCode, stderr } = await interruptedRun((child) => child.kill(signal))

  expect(exitCode).toBe(130)
  expect(stderr).toContain(`received ${signal}: stopping; once more to stop at once`)
  expect(stderr).toContain('interrupted: run the same command again to go on where it stopped')
})

it('a second signal ends it at once, whatever still runs', async () => {
  const { exitCode, stderr } = await interruptedRun((child) => {
    // Held meanwhile, so that both are there when it goes on.
    for (const signal of ['SIGSTOP', 'SIGINT', 'SIGTERM', 'SIGCONT'] as const) child.kill(signal)
  })

  expect(exitCode).toBe(130)
  expect(stderr).toMatch(/received SIG(?:INT|TERM): stopping/)
  expect(stderr).not.toContain('interrupted:')
})
