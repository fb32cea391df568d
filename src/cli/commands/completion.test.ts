import { execFile } from 'node:child_process'
import { resolve } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { MIRROR_FLAGS } from '../flags.ts'
import { renderCompletion } from './completion.ts'

/** What bash offers for the last of `words`. */
async function completeInBash(...words: readonly string[]): Promise<string[]> {
  const script = `${renderCompletion('bash', 'oc-mirror')}
COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')})
COMP_CWORD=${words.length - 1}
_oc_mirror
printf '%s\\n' "\${COMPREPLY[@]}"`
  const { stdout } = await promisify(execFile)('bash', ['-c', script], {
    cwd: resolve(import.meta.dirname, '../../..'),
  })
  return stdout.split('\n').filter((line) => line !== '')
}

describe('completion in bash', () => {
  it.each([
    [
      ['oc-mirror', '--dry'],
      ['--dry-run', '--dry-run-manifest-lists'],
    ],
    [['oc-mirror', 'comp'], ['completion']],
    [
      ['oc-mirror', 'completion', ''],
      ['bash', 'zsh', 'fish'],
    ],
    [
      ['oc-mirror', 'archive', ''],
      ['list', 'verify', 'extract', 'serve'],
    ],
    [['oc-mirror', 'archive', 'verify', 'sr'], ['src']],
    [['oc-mirror', '--log-level', 'd'], ['debug']],
    [['oc-mirror', '--workspace', ''], ['file://']],
    [
      ['oc-mirror', '--config', '/etc/host'],
      ['/etc/host.conf', '/etc/hostname', '/etc/hosts'],
    ],
    [['oc-mirror', '--port', ''], []],
    [['oc-mirror', '--loglev'], []],
  ])('offers after %j', async (words, expected) => {
    expect(new Set(await completeInBash(...words))).toEqual(new Set(expected))
  })
})

it.each(['bash', 'zsh', 'fish'])('knows every flag that is not hidden in %s', (shell) => {
  const script = renderCompletion(shell, 'airlift')
  const missing = MIRROR_FLAGS.filter(({ hidden }) => hidden !== true).filter(
    ({ name }) => !script.includes(shell === 'fish' ? `-l ${name}` : `--${name}`),
  )

  expect(missing).toEqual([])
})

it('refuses other shells', () => {
  expect(() => renderCompletion('tcsh', 'airlift')).toThrow(
    expect.objectContaining({ code: 'FLAG_INVALID', hint: 'name one of bash, zsh, fish' }),
  )
})
