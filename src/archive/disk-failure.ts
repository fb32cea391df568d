/** What the system refuses on a disk, in words that say what to do. */
import { AirliftError, isAirliftError, isSystemError, messageOf } from '../base/errors.ts'

/** Errors of ours, and mistakes of ours, stay what they are. */
export function diskFailure(error: unknown, doing: string): Error {
  if (isAirliftError(error)) return error
  if (isSystemError(error, 'ENOSPC', 'EDQUOT')) {
    return new AirliftError('DISK_FULL', `${doing}: no space is left`, {
      cause: error,
      hint: 'free space there and run again: the run goes on where it was',
    })
  }
  if (isSystemError(error, 'EACCES', 'EPERM', 'EROFS')) {
    return new AirliftError('DISK_FAILED', `${doing}: it cannot be written to`, {
      cause: error,
      hint: 'name a directory that this user may write to',
    })
  }
  if (isSystemError(error, 'EFBIG')) {
    return new AirliftError('DISK_FAILED', `${doing}: the file system does not take files of that size`, {
      cause: error,
      hint: 'set archiveSize below what the file system takes, or use another file system',
    })
  }
  if (isSystemError(error, 'ENOENT')) {
    return new AirliftError('DISK_FAILED', `${doing}: it was removed meanwhile`, {
      cause: error,
      hint: 'run again: what was removed is fetched again',
    })
  }
  if (error instanceof Error && 'syscall' in error)
    return new AirliftError('DISK_FAILED', `${doing}: ${messageOf(error)}`, { cause: error })
  return error instanceof Error ? error : new Error(String(error))
}
