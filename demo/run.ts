/**
 * The demo: a connected side and mirror registries on this machine, and the real
 * command line between them, straight and by way of a disk. Needs no network;
 * what it makes stays in `demo/out/`.
 */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { formatBytes, plural } from '../src/base/units.ts'
import { startRegistryServer } from '../src/server/registry-server.ts'
import type { RunningServer } from '../src/server/registry-server.ts'
import { pullBack } from './pull-back.ts'
import { fillRegistry, imageSetConfiguration, sampleSet } from './sample-set.ts'
import type { SampleImage } from './sample-set.ts'
import { airlift, airliftKilled, OUT, ROOT, say, step } from './show.ts'

const { signal } = new AbortController()
const ARCHIVE = 'file://archive'

await rm(OUT, { recursive: true, force: true })
await mkdir(join(OUT, 'home'), { recursive: true })
const set = sampleSet()
await connectedSide()
await disconnectedSide()
step('Everything is stopped')
say('demo/out/ has the configuration, the workspaces, the archive, and all registries in the layout of docker-registry')

async function connectedSide(): Promise<void> {
  step('A connected side, with a sample image set under real names, and an empty mirror registry')
  await using connected = await registry('connected-side')
  await using mirror = await registry('mirror-registry')
  await fillRegistry(connected.url, set)
  await writeFile(join(OUT, 'isc.yaml'), imageSetConfiguration(set))
  await writeFile(join(OUT, 'registries.conf'), registriesConf(connected.registry, [mirror.registry]))
  await writeFile(join(OUT, 'auth.json'), '{}\n')
  const hosts = 'quay.io and registry.redhat.io (demo/out/registries.conf)'
  say(`${plural(set.length, 'image')} at ${connected.url} stand for ${hosts}`)
  say(`the mirror registry listens on ${mirror.registry}`)

  const command = ['-c', 'isc.yaml', '--workspace', 'file://workspace', `docker://${mirror.registry}/ocp`]
  step('What would be copied: the plan')
  await airlift([...command, '--dry-run'])
  step('Mirroring')
  await airlift(command)
  step('Once more: the target has it all')
  await airlift(command)

  step('What a cluster needs to use the copies')
  const resources = join(OUT, 'workspace/working-dir/cluster-resources')
  for (const name of (await readdir(resources)).toSorted((a, b) => a.localeCompare(b))) {
    say(relative(ROOT, join(resources, name)))
    console.log(await readFile(join(resources, name), 'utf8'))
  }
  await pullSample(mirror)

  step('Across an air gap: onto a disk, and the power fails')
  await airliftKilled(['-c', 'isc.yaml', ARCHIVE], 30)
  step('The same command goes on')
  await airlift(['-c', 'isc.yaml', ARCHIVE])
}

async function disconnectedSide(): Promise<void> {
  step('The connected side is switched off. What is on the disk?')
  await airlift(['archive', 'list', 'archive'])
  await airlift(['archive', 'verify', 'archive'])

  step('From the disk into the mirror registry of the disconnected side')
  await using mirror = await registry('disconnected-mirror')
  await writeFile(join(OUT, 'registries.conf'), registriesConf('connected.invalid', [mirror.registry]))
  await airlift(['-c', 'isc.yaml', '--from', ARCHIVE, `docker://${mirror.registry}/ocp`])
  await pullSample(mirror)
}

async function registry(directory: string): Promise<RunningServer> {
  return await startRegistryServer({ storage: join(OUT, directory), host: '127.0.0.1', port: 0, signal })
}

async function pullSample(mirror: RunningServer): Promise<void> {
  step('One image, pulled back by its digest')
  const sample = set.find(({ name }: SampleImage) => name.endsWith('/ubi'))
  if (sample === undefined) throw new Error('the sample set has no ubi image')
  const { digest } = sample.image.manifest.descriptor
  const pulled = await pullBack(mirror.url, `ocp/${sample.name.slice(sample.name.indexOf('/') + 1)}`, digest)
  const content = `${plural(pulled.manifests, 'manifest')} and ${plural(pulled.blobs, 'blob')}`
  say(`${sample.name}:${sample.tag} is ${digest}`)
  say(`${content}, ${formatBytes(pulled.bytes)}: every digest is right`)
}

function registriesConf(connected: string, mirrors: readonly string[]): string {
  const hosts = ['quay.io', 'registry.redhat.io']
  return [
    ...hosts.map((host) => `[[registry]]\nprefix = "${host}"\nlocation = "${connected}/${host}"\ninsecure = true\n`),
    ...mirrors.map((mirror) => `[[registry]]\nlocation = "${mirror}"\ninsecure = true\n`),
  ].join('\n')
}
