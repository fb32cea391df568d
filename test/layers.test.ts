/** The architecture diagram, executable: `docs/architecture.md` draws it, this holds it. */
import { readdir, readFile } from 'node:fs/promises'
import { join, relative, resolve, sep } from 'node:path'
import { expect, it } from 'vitest'

/** Bottom first. A folder may import itself and anything on an earlier line. */
const LAYERS = [
  ['base'],
  ['oci'],
  ['content', 'config', 'update-graph'],
  ['signature'],
  ['remote', 'catalog', 'release', 'chart', 'image-build', 'archive'],
  ['plan'],
  ['collect', 'transfer', 'cluster-resources', 'registry', 'update-service'],
  ['workflow'],
  ['server'],
  ['cli'],
]
/** Folders that do no I/O and read no clock. */
const PURE = ['oci', 'plan', 'update-graph', 'catalog', 'release', 'cluster-resources', 'signature']
const IMPURE_MODULES = /^node:(?:fs|net|http|https|tls|child_process|worker_threads|os|dns|timers)/

const SRC = resolve(import.meta.dirname, '../src')
const rank = new Map(LAYERS.flatMap((folders, index) => folders.map((folder) => [folder, index])))
const folderOf = (path: string): string => relative(SRC, path).split(sep)[0] ?? ''

interface Import {
  readonly file: string
  readonly folder: string
  readonly target: string
}

async function imports(): Promise<Import[]> {
  const files = (await readdir(SRC, { recursive: true })).filter(
    (name) => name.endsWith('.ts') && !name.endsWith('.test.ts'),
  )
  const lists = await Promise.all(
    files.map(async (file) => {
      const text = await readFile(join(SRC, file), 'utf8')
      const matches = text.matchAll(/(?:from|import)\s*\(?\s*'(?<target>[^']+)'/g)
      return [...matches].map((match) => ({
        file,
        folder: folderOf(join(SRC, file)),
        target: match.groups?.['target'] ?? '',
      }))
    }),
  )
  return lists.flat()
}

it('every import points down', async () => {
  const upward = (await imports())
    .filter(({ target }) => target.startsWith('.'))
    .flatMap(({ file, folder, target }) => {
      const to = folderOf(resolve(join(SRC, file), '..', target))
      const allowed = folder === to || (rank.get(to) ?? Infinity) < (rank.get(folder) ?? -1)
      return allowed ? [] : [`${file} imports ${to}/`]
    })

  expect(upward).toEqual([])
})

it('pure folders do no I/O', async () => {
  const impure = (await imports())
    .filter(({ folder, target }) => PURE.includes(folder) && IMPURE_MODULES.test(target))
    .map(({ file, target }) => `${file} imports ${target}`)

  expect(impure).toEqual([])
})

it('only the entry of the command line touches the process', async () => {
  const files = (await readdir(SRC, { recursive: true })).filter(
    (name) => name.endsWith('.ts') && !name.endsWith('.test.ts'),
  )
  const touching: string[] = []
  for (const file of files) {
    const text = (await readFile(join(SRC, file), 'utf8')).replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
    if (/\bprocess\.(?:env|exit|argv|stdout|stderr|stdin|on|once)\b/.test(text)) touching.push(file)
  }

  expect(touching.filter((file) => file !== join('cli', 'main.ts'))).toEqual([])
})
