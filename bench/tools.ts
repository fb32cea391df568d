/** The same copy, as each tool's user would ask for it. */
import { mkdir, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import type { ImageSpec } from './content.ts'
import type { Command } from './measure.ts'

export type Tool = 'airlift' | 'regctl' | 'skopeo'

export interface CopyTask {
  readonly images: readonly Pick<ImageSpec, 'repository' | 'tag'>[]
  /** `host:port` of both sides. */
  readonly source: string
  readonly target: string
  /** PEM of the authority of both; plain HTTP where absent. */
  readonly ca?: string
  /** For the tool's files, a new one for each run. */
  readonly home: string
}

const AIRLIFT = resolve(import.meta.dirname, '../bin/airlift')
const REGCTL = join(homedir(), 'go/bin/regctl')

export async function copyCommand(tool: Tool, task: CopyTask): Promise<Command> {
  await mkdir(task.home, { recursive: true })
  const ca = join(task.home, 'ca.crt')
  if (task.ca !== undefined) await writeFile(ca, task.ca)
  const env = task.ca === undefined ? {} : { SSL_CERT_FILE: ca }
  switch (tool) {
    case 'airlift': {
      return { program: AIRLIFT, args: await airliftArgs(task), env, home: task.home }
    }
    case 'regctl': {
      await writeRegctlConfig(task)
      return shellLoop(task, `${REGCTL} image copy`, ['', ''], env)
    }
    case 'skopeo': {
      const verify = task.ca === undefined ? ' --src-tls-verify=false --dest-tls-verify=false' : ''
      return shellLoop(task, `skopeo --insecure-policy copy --quiet${verify}`, ['docker://', 'docker://'], env)
    }
  }
}

async function airliftArgs({ images, source, target, ca, home }: CopyTask): Promise<string[]> {
  const config = join(home, 'isc.yaml')
  const names = images.map(({ repository, tag }) => `    - name: ${source}/${repository}:${tag}`)
  await writeFile(
    config,
    [
      'kind: ImageSetConfiguration',
      'apiVersion: mirror.openshift.io/v2alpha1',
      'mirror:',
      '  additionalImages:',
      ...names,
      '',
    ].join('\n'),
  )
  const plain = ca === undefined ? ['--src-tls-verify=false', '--dest-tls-verify=false'] : []
  return ['-c', config, '--workspace', `file://${join(home, 'workspace')}`, ...plain, `docker://${target}`, '--v2']
}

async function writeRegctlConfig({ source, target, ca, home }: CopyTask): Promise<void> {
  const hosts = Object.fromEntries(
    [source, target].map((hostname) => [
      hostname,
      { hostname, tls: ca === undefined ? 'disabled' : 'enabled', ...(ca !== undefined && { regcert: ca }) },
    ]),
  )
  await mkdir(join(home, '.regctl'), { recursive: true })
  await writeFile(join(home, '.regctl/config.json'), JSON.stringify({ hosts }))
}

/** One process for each image, one after the other. */
async function shellLoop(
  { images, source, target, home }: CopyTask,
  command: string,
  [from, to]: readonly [string, string],
  env: Readonly<Record<string, string>>,
): Promise<Command> {
  const script = join(home, 'loop.sh')
  const lines = images.map(({ repository, tag }) => {
    const name = `${repository}:${tag}`
    return `${command} ${from}${source}/${name} ${to}${target}/${name}`
  })
  await writeFile(script, ['set -eu', ...lines, ''].join('\n'))
  return { program: '/bin/sh', args: [script], env, home }
}
