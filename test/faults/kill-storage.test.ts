/** A process that stores images is killed at any moment: all that can be reached afterwards is whole. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { openBlobStore } from '../../src/content/blob-directory.ts'
import type { RepositoryStore } from '../../src/content/blob-store.ts'
import { digestOf } from '../../src/oci/digest.ts'
import { childrenOf } from '../../src/oci/manifest.ts'
import { tempDir } from '../support/temp-dir.ts'

const ROUNDS = 10
const SCRIPT = fileURLToPath(import.meta.resolve('../support/push-until-killed.ts'))
const options = { signal: new AbortController().signal }

it('keeps no tag without its image, and no blob without its bytes', async () => {
  await using dir = await tempDir()
  for (let round = 0; round < ROUNDS; round += 1) {
    await runUntilKilled(dir.path, { seed: round, afterMs: 3 + round * 17 })

    const repository = (await openBlobStore(dir.path, options)).repository('team/app')
    expect(await missingContent(repository)).toEqual([])
    expect(await damagedBlobs(dir.path)).toEqual([])
  }
  const repository = (await openBlobStore(dir.path, options)).repository('team/app')
  expect(await Array.fromAsync(repository.tags(options))).toContain('latest')
})

async function runUntilKilled(
  directory: string,
  { seed, afterMs }: { readonly seed: number; readonly afterMs: number },
): Promise<void> {
  const child = spawn(process.execPath, [SCRIPT, directory, String(seed)], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  await once(child.stdout, 'data')
  await sleep(afterMs)
  child.kill('SIGKILL')
  expect(await exited).toEqual([null, 'SIGKILL'])
}

async function missingContent(repository: RepositoryStore): Promise<string[]> {
  const missing: string[] = []
  for await (const tag of repository.tags(options)) {
    const manifest = await repository.manifest(tag, options)
    if (manifest === undefined) missing.push(tag)
    for (const child of manifest === undefined ? [] : childrenOf(manifest)) {
      if (!(await repository.has(child, options))) missing.push(`${tag} ${child.digest}`)
    }
  }
  return missing
}

async function damagedBlobs(directory: string): Promise<string[]> {
  const root = join(directory, 'docker/registry/v2/blobs')
  const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => [])
  const files = entries.filter((entry) => entry.isFile())
  const checked = await Promise.all(
    files.map(async ({ parentPath }) => {
      const isWhole = parentPath.endsWith(digestOf(await readFile(join(parentPath, 'data'))).slice('sha256:'.length))
      return isWhole ? [] : [parentPath]
    }),
  )
  return checked.flat()
}
