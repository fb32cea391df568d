/**
 * Mirror to mirror: from the connected side's registries straight into the
 * target's, without a byte of an image on this machine's disk.
 */
import { copyToRegistry } from './copy-to-registry.ts'
import type { MirrorOptions, RunContext } from './mirror-options.ts'
import { writePinned } from './pinned-files.ts'
import type { RunResult } from './run-result.ts'

/**
 * @throws {AirliftError} for a configuration, flag or registry that lets nothing start; an image that fails is in the
 *   result.
 */
export function mirrorToMirror(options: MirrorOptions, context: RunContext): Promise<RunResult> {
  return copyToRegistry(options, context, { writeConfigurations: writePinned })
}
