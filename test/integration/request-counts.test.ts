/** What a copy costs: every request at both registries, by kind. */
import { mkdir } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { startOurRegistry } from '../support/our-registry.ts'
import type { OurRegistry } from '../support/our-registry.ts'
import { pushImage } from '../support/push-image.ts'
import { randomImage } from '../support/random-image.ts'
import { runAirlift } from '../support/run-airlift.ts'
import { tempDir } from '../support/temp-dir.ts'
import { writeImageSet } from '../support/user-files.ts'

/** `GET blob` → how often. */
function counted({ requests }: OurRegistry): Record<string, number> {
  const kinds = requests.map((line) => {
    const [method = '', path = ''] = line.split(' ')
    const kind = /\/(?<kind>manifests\/sha256-[^/]*|manifests|blobs\/uploads|blobs|referrers)\//.exec(`${path}/`)
      ?.groups?.['kind']
    return `${method} ${kind?.startsWith('manifests/sha256-') === true ? 'attachment tag' : (kind ?? 'base')}`
  })
  return Object.fromEntries(
    [...new Set(kinds)].toSorted().map((kind) => [kind, kinds.filter((other) => other === kind).length]),
  )
}

it('costs a known number of requests for an image with three new blobs, and two for each manifest the second time', async () => {
  await using directory = await tempDir()
  await mkdir(directory.join('home'))
  await using source = await startOurRegistry(directory.join('source'))
  await using target = await startOurRegistry(directory.join('target'))
  await pushImage(source.url, 'app/one', { image: randomImage({ seed: 1, layers: 2 }), tag: 'v1' })
  source.requests.length = 0
  const config = await writeImageSet(directory.join('isc.yaml'), [`${source.host}/app/one:v1`])
  const args = [
    '-c',
    config,
    '--workspace',
    `file://${directory.join('w')}`,
    '--src-tls-verify=false',
    '--dest-tls-verify=false',
    `docker://${target.host}/ns`,
  ]
  const run = async (): Promise<number | undefined> =>
    (await runAirlift(args, { home: directory.join('home') })).exitCode

  expect(await run()).toBe(0)

  expect(counted(source)).toEqual({
    'GET base': 1,
    'GET manifests': 1,
    'GET attachment tag': 3,
    'GET referrers': 1,
    'GET blobs': 3,
  })
  expect(counted(target)).toEqual({
    'GET base': 1,
    'HEAD manifests': 1,
    'HEAD blobs': 3,
    'POST blobs/uploads': 3,
    'PUT blobs/uploads': 3,
    'PUT manifests': 1,
  })

  source.requests.length = 0
  target.requests.length = 0
  expect(await run()).toBe(0)

  expect(counted(source)).toEqual({ 'GET base': 1, 'GET manifests': 1, 'GET attachment tag': 3, 'GET referrers': 1 })
  expect(counted(target)).toEqual({ 'GET base': 1, 'HEAD manifests': 1 })
})
