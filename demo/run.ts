/**
 * The demo: a connected side and a mirror registry on this machine, and the real
 * command line between them. Needs no network; what it makes stays in `demo/out/`.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { styleText } from 'node:util'
import { formatBytes, plural } from '../src/base/units.ts'
import { startRegistryServer } from '../src/server/registry-server.ts'
import { pullBack } from './pull-back.ts'
import { fillRegistry, imageSetConfiguration, sampleSet } from './sample-set.ts'

const ROOT = resolve(import.meta.dirname, '..')
const OUT = join(ROOT, 'demo/out')

await demo()
step('Everything is stopped')
say('demo/out/ has the configuration, the workspace, and both registries in the layout of docker-registry')

async function demo(): Promise<void> {
  await rm(OUT, { recursive: true, force: true })
  await mkdir(join(OUT, 'home'), { recursive: true })

  const { signal } = new AbortController()
  step('A connected side, with a sample image set under real names, and an empty mirror registry')
  const set = sampleSet()
  await using connected = await startRegistryServer({
    storage: join(OUT, 'connected-side'),
    host: '127.0.0.1',
    port: 0,
    signal,
  })
  await using mirror = await startRegistryServer({
    storage: join(OUT, 'mirror-registry'),
    host: '127.0.0.1',
    port: 0,
    signal,
  })
  await fillRegistry(connected.url, set)
  await writeFile(join(OUT, 'isc.yaml'), imageSetConfiguration(set))
  await writeFile(join(OUT, 'registries.conf'), registriesConf(connected.registry, mirror.registry))
  await writeFile(join(OUT, 'auth.json'), '{}\n')
  say(
    `${plural(set.length, 'image')} at ${connected.url} stand for quay.io and registry.redhat.io (demo/out/registries.conf)`,
  )
  say(`the mirror registry listens on ${mirror.registry}`)

  const target = `docker://${mirror.registry}/ocp`
  const command = ['-c', 'isc.yaml', '--workspace', 'file://workspace', target]

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

  step('One image, pulled back by its digest')
  const [sample] = set.filter(({ name }) => name.endsWith('/ubi'))
  if (sample === undefined) throw new Error('the sample set has no ubi image')
  const { digest } = sample.image.manifest.descriptor
  const pulled = await pullBack(mirror.url, `ocp/${sample.name.slice(sample.name.indexOf('/') + 1)}`, digest)
  say(`${sample.name}:${sample.tag} is ${digest}`)
  say(
    `${plural(pulled.manifests, 'manifest')} and ${plural(pulled.blobs, 'blob')}, ${formatBytes(pulled.bytes)}: every digest is right`,
  )
}

/** Runs the command line as a user would, and shows it. */
async function airlift(args: readonly string[]): Promise<void> {
  console.log(styleText('bold', `$ airlift ${args.join(' ')}`))
  const child = spawn(join(ROOT, 'bin/airlift'), [...args], {
    cwd: OUT,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: {
      ...process.env,
      HOME: join(OUT, 'home'),
      CONTAINERS_REGISTRIES_CONF: join(OUT, 'registries.conf'),
      REGISTRY_AUTH_FILE: join(OUT, 'auth.json'),
      NO_PROXY: '127.0.0.1',
    },
  })
  const [exitCode] = (await once(child, 'close')) as [number | null]
  if (exitCode !== 0) throw new Error(`airlift ended with exit code ${String(exitCode)}`)
}

function registriesConf(connected: string, mirror: string): string {
  const hosts = ['quay.io', 'registry.redhat.io']
  return [
    ...hosts.map((host) => `[[registry]]\nprefix = "${host}"\nlocation = "${connected}/${host}"\ninsecure = true\n`),
    `[[registry]]\nlocation = "${mirror}"\ninsecure = true\n`,
  ].join('\n')
}

function step(title: string): void {
  console.log(`\n${styleText(['bold', 'cyan'], `== ${title}`)}`)
}

function say(text: string): void {
  console.log(`   ${text}`)
}
