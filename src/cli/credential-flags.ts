/**
 * Credentials given on the command line, and the flags about them that are refused.
 *
 * They answer where a registry refuses what the auth file has, as a person would
 * at a prompt, so they are kept for the run only and never written.
 */
import { AirliftError } from '../base/errors.ts'
import type { Flag } from './flag.ts'
import type { FlagValues } from './flag-values.ts'

interface Credentials {
  readonly username: string
  readonly password: string
}

export interface SideCredentials {
  readonly source: Credentials | undefined
  readonly target: Credentials | undefined
}

/** @throws {AirliftError} `FLAG_INVALID` where flags contradict each other or lack their other half. */
export function readCredentials(values: FlagValues): SideCredentials {
  return { source: readSide(values, 'src'), target: readSide(values, 'dest') }
}

function readSide(values: FlagValues, side: 'src' | 'dest'): Credentials | undefined {
  const pair = textOf(values, `${side}-creds`)
  const username = textOf(values, `${side}-username`)
  const password = textOf(values, `${side}-password`)
  if (pair !== undefined && (username !== undefined || password !== undefined)) {
    throw new AirliftError(
      'FLAG_INVALID',
      `--${side}-creds and --${side}-username or --${side}-password cannot be used together`,
    )
  }
  if (pair !== undefined) return splitPair(pair, side)
  if (username === undefined && password === undefined) return undefined
  if (username === undefined || password === undefined) {
    throw new AirliftError('FLAG_INVALID', `--${side}-username and --${side}-password belong together`, {
      hint: `give both, or --${side}-creds user:password`,
    })
  }
  return { username, password }
}

function splitPair(pair: string, side: string): Credentials {
  const colon = pair.indexOf(':')
  if (colon > 0) return { username: pair.slice(0, colon), password: pair.slice(colon + 1) }
  throw new AirliftError('FLAG_INVALID', `--${side}-creds has no user name and password`, {
    hint: 'write it as user:password',
  })
}

/** Refuses the first given flag that Airlift cannot honour: ignoring it would change what the run does. */
export function refuseUnsupported(values: FlagValues, flags: readonly Flag[]): void {
  if (values['v1'] === true) {
    if (values['v2'] === true) throw new AirliftError('FLAG_INVALID', 'the flags --v1 and --v2 are mutually exclusive')
    throw new AirliftError('FLAG_INVALID', '--v1 asks for oc-mirror v1, which is not part of Airlift', {
      hint: 'write the image set configuration as mirror.openshift.io/v2alpha1, as oc-mirror v2 reads it, and leave --v1 out',
    })
  }
  const refused = flags.find(
    ({ name, effect }) => effect === 'refused' && values[name] !== undefined && values[name] !== false,
  )
  if (refused === undefined) return
  throw new AirliftError('UNSUPPORTED', `the flag --${refused.name} is not supported`, {
    ...(refused.note !== undefined && { hint: refused.note }),
  })
}

function textOf(values: FlagValues, name: string): string | undefined {
  const value = values[name]
  return typeof value === 'string' ? value : undefined
}
