/** Runs a command and tells what it cost, as the kernel counted it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'

export interface Cost {
  readonly wallS: number
  /** User and system time of the command and its children. */
  readonly cpuS: number
  /** Peak resident memory of the largest process. */
  readonly peakMiB: number
}

export interface Command {
  readonly program: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Working directory; a file for the figures is left in it. */
  readonly home: string
}

/** @throws with the output, if it fails. */
export async function measure({ program, args, env, home }: Command): Promise<Cost> {
  const figures = join(home, 'time.txt')
  const child = spawn('/usr/bin/time', ['-f', '%e %U %S %M', '-o', figures, program, ...args], {
    cwd: home,
    env: { PATH: process.env['PATH'], HOME: home, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [stdout, stderr, [exitCode]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  if (exitCode !== 0)
    throw new Error(`${program} ended with ${String(exitCode)}:\n${stdout.slice(-4000)}${stderr.slice(-4000)}`)
  const [wallS = 0, userS = 0, systemS = 0, peakKiB = 0] = (await readFile(figures, 'utf8'))
    .trim()
    .split(' ')
    .map(Number)
  return { wallS, cpuS: userS + systemS, peakMiB: Math.round(peakKiB / 1024) }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const [low = 0, high = 0] = [sorted[sorted.length % 2 === 0 ? middle - 1 : middle], sorted[middle]]
  return (low + high) / 2
}

export function medianCost(costs: readonly Cost[]): Cost {
  return {
    wallS: median(costs.map(({ wallS }) => wallS)),
    cpuS: median(costs.map(({ cpuS }) => cpuS)),
    peakMiB: median(costs.map(({ peakMiB }) => peakMiB)),
  }
}
