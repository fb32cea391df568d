/**
 * Disk to mirror: from the volumes of archives straight into the target's
 * registry. Nothing is unpacked, and no other network is asked.
 */
import { copyToRegistry } from './copy-to-registry.ts'
import type { MirrorOptions, RunContext } from './mirror-options.ts'
import { writeArchivedPinned } from './pinned-files.ts'
import type { RunResult } from './run-result.ts'

/**
 * @throws {AirliftError} for volumes that are missing, damaged or foreign, unless `partial`, before anything is pushed; an
 *   image that the archives lack is in the result.
 */
export function diskToMirror(options: MirrorOptions, context: RunContext): Promise<RunResult> {
  return copyToRegistry(options, context, { writeConfigurations: writeArchivedPinned })
}
