/**
 * The real command line as a child process, as a user's shell would start it.
 *
 * It gets a home of its own and nothing of the machine's environment but `PATH`, so that no configuration or credential
 * of the machine reaches it.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'

export interface RunAirliftOptions {
  /** Working directory and `$HOME`, the caller's to remove. */
  readonly home: string
  readonly env?: Readonly<Record<string, string>>
  /** Killed, as by a power cut, when it has printed so many lines on stdout. */
  readonly killAfterLines?: number
}

export interface AirliftRun {
  /** Absent where it was killed. */
  readonly exitCode: number | undefined
  /** Lines of stdout: events, with `--output json`. */
  readonly lines: readonly string[]
  readonly stderr: string
}

const PROGRAM = resolve(import.meta.dirname, '../../bin/airlift')

export async function runAirlift(args: readonly string[], options: RunAirliftOptions): Promise<AirliftRun> {
  await mkdir(options.home, { recursive: true })
  const child = spawn(PROGRAM, [...args], {
    cwd: options.home,
    env: { PATH: process.env['PATH'], HOME: options.home, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const lines: string[] = []
  const stdout = (async () => {
    for await (const line of createInterface(child.stdout)) {
      lines.push(line)
      if (lines.length === options.killAfterLines) child.kill('SIGKILL')
    }
  })()
  const [stderr, [exitCode]] = await Promise.all([
    text(child.stderr),
    once(child, 'close') as Promise<[number | null]>,
    stdout,
  ])
  return { exitCode: exitCode ?? undefined, lines, stderr }
}
