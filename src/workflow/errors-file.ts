/**
 * `mirroring_errors_*.txt`: one line for each image that is missing.
 *
 * Spec: the file of `oc-mirror` v2, which scripts search.
 */
import { writeFileAtomic } from '../base/atomic-file.ts'
import type { Outcome } from '../plan/plan-types.ts'

/** @returns the file, or nothing where all images arrived. */
export async function writeErrorsFile(path: string, { failures, notStarted }: Outcome): Promise<readonly string[]> {
  const lines = [
    ...failures.map(
      ({ origin, message }) => `error mirroring image ${origin} error: ${message.replaceAll(/\s+/g, ' ')}`,
    ),
    ...notStarted.map(
      ({ wanted }) => `error mirroring image ${wanted.origin} error: not started, since a release image failed`,
    ),
  ]
  if (lines.length === 0) return []
  await writeFileAtomic(path, `${lines.join('\n')}\n`)
  return [path]
}
