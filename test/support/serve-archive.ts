/** `archive serve` as a child process, until the end of a test. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'

export interface ServedArchive extends AsyncDisposable {
  readonly url: string
}

const PROGRAM = resolve(import.meta.dirname, '../../bin/airlift')

/** Takes any free port, and returns once it listens. */
export async function serveArchive(
  directories: readonly string[],
  { home }: { readonly home: string },
): Promise<ServedArchive> {
  await mkdir(home, { recursive: true })
  const child = spawn(PROGRAM, ['archive', 'serve', ...directories, '--port', '0', '--output', 'json'], {
    cwd: home,
    env: { PATH: process.env['PATH'], HOME: home },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const closed = once(child, 'close')
  for await (const line of createInterface(child.stdout)) {
    const { url } = JSON.parse(line) as { readonly url: string }
    return {
      url,
      [Symbol.asyncDispose]: async () => {
        child.kill('SIGTERM')
        await closed
      },
    }
  }
  throw new Error('archive serve ended without listening')
}
