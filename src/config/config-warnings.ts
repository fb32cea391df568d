/**
 * What is read, but not with the meaning that its writer may expect. Pure.
 */
import type { ImageSet, MirrorSet } from './image-set-config.ts'
import { API_VERSION } from './image-set-schema.ts'
import type { Path, ReadValue } from './read-against-schema.ts'

export interface Warning {
  readonly path: Path
  readonly message: string
}

export function configWarnings(read: ReadValue, set: ImageSet | MirrorSet, stanza: string): Warning[] {
  const { platform, operators } = set
  const warnings: Warning[] = []
  const { apiVersion } = read.value as { readonly apiVersion?: unknown }
  if (typeof apiVersion === 'string' && apiVersion !== API_VERSION) {
    const message = `apiVersion ${JSON.stringify(apiVersion)} is read as ${JSON.stringify(API_VERSION)}`
    warnings.push({ path: ['apiVersion'], message })
  }
  if (platform !== undefined && platform.architectures.length > 0) {
    warnings.push({
      path: [stanza, 'platform', 'architectures'],
      message:
        'platform.architectures is deprecated; use platform.platforms instead for sparse manifest platform filtering',
    })
  }
  if (platform?.release !== undefined && platform.channels.length > 0) {
    const message = 'platform.channels is ignored, since platform.release names one payload'
    warnings.push({ path: [stanza, 'platform', 'channels'], message })
  }
  for (const [index, operator] of operators.entries()) {
    if (!operator.skipDependencies) continue
    const message = 'skipDependencies is ignored: dependencies are never resolved'
    warnings.push({ path: [stanza, 'operators', index, 'skipDependencies'], message })
  }
  if ('samples' in set && set.samples.length > 0) {
    warnings.push({ path: [stanza, 'samples'], message: 'samples are ignored' })
  }
  return warnings
}
