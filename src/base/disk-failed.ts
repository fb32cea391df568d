/** What a disk refuses is for the user to mend: space, permissions, a path that is something else. */
import { AirliftError } from './errors.ts'

/** A system error becomes `DISK_FAILED`, with what was being done to which path; all else stays as it is. */
export function diskFailed(doing: string, error: unknown): unknown {
  if (!(error instanceof Error) || !('syscall' in error)) return error
  return new AirliftError('DISK_FAILED', doing, {
    cause: error,
    hint: 'look for free space and permissions there, or name another directory',
  })
}
