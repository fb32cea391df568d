import { expect, it } from 'vitest'
import { MemoryRegistry } from '../../test/support/memory-registry.ts'
import { collected, wanted } from '../../test/support/planned-images.ts'
import { randomIndex } from '../../test/support/random-image.ts'
import { manifestLines, mappingLines } from './mapping.ts'

const CACHE = { registry: 'localhost:55000', namespace: '', maxNestedPaths: 0 }

it('writes one line for each image, each once', () => {
  const images = [wanted('a/one'), wanted('a/one'), wanted('b/two', 'v2')]

  expect(mappingLines(images, CACHE)).toEqual([
    'docker://quay.example/a/one:v1=docker://localhost:55000/a/one:v1',
    'docker://quay.example/b/two:v2=docker://localhost:55000/b/two:v2',
  ])
})

it('adds a line for each instance of an index, by digest', async () => {
  const source = new MemoryRegistry()
  const index = randomIndex({ seed: 1, platforms: [{ os: 'linux', architecture: 'amd64' }] })
  source.add('a/one', index, 'v1')
  const [instance] = index.manifests

  const lines = manifestLines(await collected(source, [wanted('a/one')]), CACHE)

  expect(lines).toEqual([
    'docker://quay.example/a/one:v1=docker://localhost:55000/a/one:v1',
    `docker://quay.example/a/one@${instance?.descriptor.digest}=docker://localhost:55000/a/one@${instance?.descriptor.digest}`,
  ])
})
