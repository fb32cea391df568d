/** `version`: as `oc-mirror version` prints it, with the same keys for programs. */
import { AirliftError } from '../../base/errors.ts'
import { VERSION } from '../version.ts'

export interface VersionOptions {
  readonly output?: string | undefined
  readonly platform: string
}

/** @throws {AirliftError} `FLAG_INVALID` for an unknown format. */
export function renderVersion({ output, platform }: VersionOptions): string {
  const [major = '', minor = ''] = VERSION.split('.')
  const clientVersion = {
    buildDate: '',
    compiler: 'node',
    gitCommit: '',
    gitTreeState: '',
    gitVersion: `v${VERSION}`,
    goVersion: '',
    major,
    minor,
    platform,
  }
  switch (output) {
    case undefined:
      return `airlift ${VERSION} (${platform}), compatible with oc-mirror v2\n`
    case 'json':
      return `${JSON.stringify({ clientVersion }, undefined, 2)}\n`
    case 'yaml': {
      const lines = Object.entries(clientVersion).map(([key, value]) => `  ${key}: ${JSON.stringify(value)}\n`)
      return `clientVersion:\n${lines.join('')}`
    }
    default:
      throw new AirliftError('FLAG_INVALID', `--output must be 'yaml' or 'json', not ${JSON.stringify(output)}`)
  }
}
