/** Where a run that reads archives may write: media that were carried here are often read-only. */
import { access, constants, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { AirliftError, isSystemError } from '../base/errors.ts'

/**
 * The `working-dir` in the first of `directories` that can be written to; made there.
 *
 * @throws {AirliftError} `DISK_FAILED` where none can.
 */
export async function outputWorkingDir(directories: readonly string[]): Promise<string> {
  for (const directory of directories) {
    const workingDir = join(directory, 'working-dir')
    if (await canWrite(workingDir)) return workingDir
  }
  throw new AirliftError('DISK_FAILED', `cannot write to ${directories.join(', ')}`, {
    hint: 'name a directory for working-dir and cluster resources with --output-dir',
  })
}

async function canWrite(directory: string): Promise<boolean> {
  try {
    await mkdir(directory, { recursive: true })
    await access(directory, constants.W_OK)
    return true
  } catch (error) {
    if (isSystemError(error, 'EROFS', 'EACCES', 'EPERM', 'ENOTDIR', 'EEXIST')) return false
    throw error
  }
}
