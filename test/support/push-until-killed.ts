/** Stores images in a blob directory as fast as it can, until it is killed: `node push-until-killed.ts DIRECTORY SEED`. */
import { Readable } from 'node:stream'
import { openBlobStore } from '../../src/content/blob-directory.ts'
import { randomImage } from './random-image.ts'

const [directory = '', seed = '0'] = process.argv.slice(2)
const { signal } = new AbortController()
const repository = (await openBlobStore(directory, { signal })).repository('team/app')
process.stdout.write('started\n')
for (let round = 0; ; round += 1) {
  const image = randomImage({ seed: Number(seed) * 1000 + round, layers: 3, bytes: 200_000 })
  await Promise.all(
    [...image.blobs].map(([digest, bytes]) =>
      repository.put({ mediaType: 'x/y', digest, size: bytes.length }, Readable.from([bytes]), { signal }),
    ),
  )
  // One tag that moves, and one for each image.
  await repository.putManifest(image.manifest, { signal, tag: 'latest' })
  await repository.putManifest(image.manifest, { signal, tag: `v${seed}-${round}` })
}
