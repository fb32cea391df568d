/**
 * Bundles the command line into one CommonJS file that reads nothing beside it.
 *
 * CommonJS, because that is what a single executable of Node.js takes.
 */
import { chmod } from 'node:fs/promises'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build } from 'esbuild'

const ROOT = resolve(import.meta.dirname, '..')

/** @returns the path of the bundle. */
export async function buildBundle(outfile: string = resolve(ROOT, 'dist/airlift.cjs')): Promise<string> {
  await build({
    absWorkingDir: ROOT,
    entryPoints: ['src/cli/main.ts'],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    banner: { js: '#!/usr/bin/env node' },
    legalComments: 'inline',
    logLevel: 'warning',
  })
  await chmod(outfile, 0o755)
  return outfile
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) console.log(await buildBundle())
