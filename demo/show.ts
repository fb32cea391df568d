/** How the demo runs the command line and shows what it does. */
import { spawn } from 'node:child_process'
import type { ChildProcess, StdioOptions } from 'node:child_process'
import { once } from 'node:events'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { styleText } from 'node:util'

export const ROOT: string = resolve(import.meta.dirname, '..')
/** What the demo makes stays here. */
export const OUT: string = join(ROOT, 'demo/out')

/** Runs the command line as a user would, and shows it. */
export async function airlift(args: readonly string[]): Promise<void> {
  const child = start(args, ['ignore', 'inherit', 'inherit'])
  const [exitCode] = (await once(child, 'close')) as [number | null]
  if (exitCode !== 0) throw new Error(`airlift ended with exit code ${String(exitCode)}`)
}

/** Runs it until it has reported so many blobs whole, and then takes the power away. */
export async function airliftKilled(args: readonly string[], blobs: number): Promise<void> {
  const child = start([...args, '--output', 'json'], ['ignore', 'pipe', 'inherit'])
  const closed = once(child, 'close')
  if (child.stdout === null) throw new Error('the output of airlift is no pipe')
  let whole = 0
  for await (const line of createInterface(child.stdout)) {
    if ((JSON.parse(line) as { readonly type: string }).type === 'blob-finished') whole += 1
    if (whole === blobs) child.kill('SIGKILL')
  }
  await closed
  if (child.signalCode !== 'SIGKILL') throw new Error('airlift ended before it could be killed')
  say(`killed when ${whole} blobs were whole`)
}

function start(args: readonly string[], stdio: StdioOptions): ChildProcess {
  console.log(styleText('bold', `$ airlift ${args.join(' ')}`))
  return spawn(join(ROOT, 'bin/airlift'), [...args], {
    cwd: OUT,
    stdio,
    env: {
      ...process.env,
      HOME: join(OUT, 'home'),
      CONTAINERS_REGISTRIES_CONF: join(OUT, 'registries.conf'),
      REGISTRY_AUTH_FILE: join(OUT, 'auth.json'),
      NO_PROXY: '127.0.0.1',
    },
  })
}

export function step(title: string): void {
  console.log(`\n${styleText(['bold', 'cyan'], `== ${title}`)}`)
}

export function say(text: string): void {
  console.log(`   ${text}`)
}
