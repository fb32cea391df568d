/** The contract of the content ports, kept by each implementation that is its own storage. */
import { openBlobStore } from '../../src/content/blob-directory.ts'
import { contentContract } from '../support/content-contract.ts'
import { MemoryRegistry } from '../support/memory-registry.ts'
import { tempDir } from '../support/temp-dir.ts'

contentContract('a repository of a blob directory', async () => {
  const dir = await tempDir()
  const store = await openBlobStore(dir.path, { signal: new AbortController().signal })
  return { content: store.repository('team/app'), [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose]() }
})

contentContract('a registry in memory', async () => ({
  content: new MemoryRegistry().sink({ repository: 'team/app' }),
  [Symbol.asyncDispose]: async () => undefined,
}))
