/**
 * Runs that write an archive, or read one, are killed: the next one ends as if nothing had been.
 *
 * Killed after the n-th event, and at random times until one comes to its end. `AIRLIFT_LONG=1` takes every n; otherwise a
 * sample, which `AIRLIFT_SEED` repeats.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { digestOf } from '../../src/oci/digest.ts'
import { toDisk, toMirror } from '../support/mirror-run.ts'
import { startOurRegistry } from '../support/our-registry.ts'
import type { OurRegistry } from '../support/our-registry.ts'
import { randomBytes } from '../support/random-image.ts'
import { sample, SEED } from '../support/sample.ts'
import { storedContent } from '../support/stored-content.ts'
import { tempDir } from '../support/temp-dir.ts'
import { fetchedBlobs, startSmallSet } from './small-set.ts'

const SAMPLES = 5
const ROUNDS = 12
const SCRIPT = fileURLToPath(import.meta.resolve('../support/archive-until-killed.ts'))

interface Killed {
  /** Whether it came to its end first. */
  readonly isDone: boolean
  readonly lines: number
}

async function runUntilKilled(
  args: readonly string[],
  { afterLines = Infinity, afterMs }: { readonly afterLines?: number; readonly afterMs?: number },
): Promise<Killed> {
  const child = spawn(process.execPath, [SCRIPT, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(child, 'exit') as Promise<[number | null, string | null]>
  let lines = 0
  for await (const _line of createInterface(child.stdout)) {
    lines += 1
    if (lines === afterLines) child.kill('SIGKILL')
    if (lines === 1 && afterMs !== undefined) setTimeout(() => child.kill('SIGKILL'), afterMs)
  }
  const [code] = await exited
  return { isDone: code === 0, lines }
}

async function volumesIn(root: string): Promise<readonly string[]> {
  const names = (await readdir(root)).filter((name) => name.endsWith('.tar')).toSorted()
  return await Promise.all(names.map(async (name) => `${name} ${digestOf(await readFile(join(root, name)))}`))
}

it(`an archive whose run was killed gets the same bytes (AIRLIFT_SEED=${SEED})`, { timeout: 1_200_000 }, async () => {
  await using dir = await tempDir()
  await using set = await startSmallSet(dir)
  const { config } = set
  const calm = dir.join('calm')
  const { lines } = await runUntilKilled(['disk', config, calm], {})
  const expected = await volumesIn(calm)

  for (const n of sample(lines, SAMPLES)) {
    const root = dir.join(`killed-${n}`)
    await runUntilKilled(['disk', config, root], { afterLines: n })

    expect(await toDisk(config, root)).toMatchObject({ exitCode: 0 })

    expect({ n, volumes: await volumesIn(root) }).toEqual({ n, volumes: expected })
    expect(await toDisk(config, root, { now: '2027-01-01T00:00:00Z' })).toMatchObject({ exitCode: 0, volumes: [] })
  }
})

it(
  `an archive is finished by runs that are killed at any time (AIRLIFT_SEED=${SEED})`,
  { timeout: 1_200_000 },
  async () => {
    await using dir = await tempDir()
    await using set = await startSmallSet(dir)
    const [calm, root] = [dir.join('calm'), dir.join('killed')]
    await toDisk(set.config, calm)

    let isDone = false
    for (let round = 0; !isDone && round < ROUNDS; round += 1) {
      const afterMs = randomBytes(2, `${SEED}/${round}`).readUInt16LE() % 400
      isDone = (await runUntilKilled(['disk', set.config, root], { afterMs })).isDone
    }
    await toDisk(set.config, root)

    expect(await volumesIn(root)).toEqual(await volumesIn(calm))
  },
)

it(
  `a push from an archive that was killed is completed, and sends nothing twice (AIRLIFT_SEED=${SEED})`,
  { timeout: 1_200_000 },
  async () => {
    await using dir = await tempDir()
    await using set = await startSmallSet(dir)
    const { config, source } = set
    const root = dir.join('archive')
    await toDisk(config, root)
    await using calm = await startOurRegistry(dir.join('calm'))
    const { lines } = await runUntilKilled(['registry', config, root, calm.host], {})
    const expected = await storedContent(calm.directory)
    source.requests.length = 0

    for (const n of sample(lines, SAMPLES)) {
      await using target = await startOurRegistry(dir.join(`killed-${n}`))
      await runUntilKilled(['registry', config, root, target.host], { afterLines: n })
      const arrived = new Set((await storedContent(target.directory)).blobs)
      target.requests.length = 0

      expect(await toMirror(config, [root], target)).toMatchObject({ exitCode: 0 })

      expect({ n, content: await storedContent(target.directory) }).toEqual({ n, content: expected })
      expect({ n, twice: sentBlobs(target).filter((digest) => arrived.has(digest)) }).toEqual({ n, twice: [] })
    }
    expect(fetchedBlobs(source)).toEqual([])
  },
)

function sentBlobs({ requests }: OurRegistry): readonly string[] {
  return requests
    .flatMap((line) => /^PUT .*[?&]digest=(?<digest>[^&]+)/.exec(line)?.groups?.['digest'] ?? [])
    .map(decodeURIComponent)
}
