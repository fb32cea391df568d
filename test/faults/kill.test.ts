/**
 * A run that is killed goes on where it was: the same end state, and nothing that had arrived whole is fetched again.
 *
 * The real command line dies by SIGKILL after its n-th event; the registries live on. `AIRLIFT_LONG=1` takes every n,
 * otherwise a sample, which `AIRLIFT_SEED` repeats.
 */
import { expect, it } from 'vitest'
import { startOurRegistry } from '../support/our-registry.ts'
import type { OurRegistry } from '../support/our-registry.ts'
import { runAirlift } from '../support/run-airlift.ts'
import type { AirliftRun } from '../support/run-airlift.ts'
import { sample, SEED } from '../support/sample.ts'
import { storedContent } from '../support/stored-content.ts'
import { tempDir } from '../support/temp-dir.ts'
import type { TempDir } from '../support/temp-dir.ts'
import { fetchedBlobs, startSmallSet } from './small-set.ts'

const SAMPLES = 6

function mirror(
  target: OurRegistry,
  dir: TempDir,
  options: { readonly config: string; readonly killAfterLines?: number },
): Promise<AirliftRun> {
  const { config, ...rest } = options
  const narrow = ['--parallel-images', '2', '--parallel-layers', '2']
  const flags = ['--src-tls-verify=false', '--dest-tls-verify=false', '--output', 'json']
  const args = ['-c', config, '--workspace', `file://${target.directory}-workspace`, ...narrow, ...flags]
  return runAirlift([...args, `docker://${target.host}/ns`], { home: dir.join('home'), ...rest })
}

it(
  `the run after a killed one completes it, and fetches nothing that had arrived (AIRLIFT_SEED=${SEED})`,
  { timeout: 1_200_000 },
  async () => {
    await using dir = await tempDir()
    await using set = await startSmallSet(dir)
    const { config, source } = set
    await using calm = await startOurRegistry(dir.join('calm'))
    const undisturbed = await mirror(calm, dir, { config })
    expect(undisturbed.exitCode, undisturbed.stderr).toBe(0)
    const expected = await storedContent(calm.directory)

    for (const n of sample(undisturbed.lines.length - 1, SAMPLES)) {
      await using target = await startOurRegistry(dir.join(`killed-${n}`))
      const killed = await mirror(target, dir, { config, killAfterLines: n })
      const arrived = new Set((await storedContent(target.directory)).blobs)
      source.requests.length = 0

      const resumed = await mirror(target, dir, { config })

      expect({ n, exitCode: killed.exitCode }).toEqual({ n, exitCode: undefined })
      expect({ n, exitCode: resumed.exitCode }, resumed.stderr).toEqual({ n, exitCode: 0 })
      expect({ n, content: await storedContent(target.directory) }).toEqual({ n, content: expected })
      expect({ n, twice: fetchedBlobs(source).filter((digest) => arrived.has(digest)) }).toEqual({ n, twice: [] })
    }
  },
)
