/** Which volumes lie in the directories that a user names; a volume may be named itself, too. */
import { readdir, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { AirliftError, isSystemError } from '../base/errors.ts'
import { volumeNumber } from './volume-file.ts'

/** Most volumes that are taken; each costs an open file. */
const MAX_VOLUMES = 10_000

/**
 * Paths in the order of the directories, and by number in each. One that is named twice counts once.
 *
 * @throws {AirliftError} `ARCHIVE_INCOMPLETE` where one has none, `DISK_FAILED`.
 */
export async function findVolumes(directories: readonly string[]): Promise<readonly string[]> {
  const found = new Map<string, string>()
  for (const directory of directories) {
    for (const path of await volumesOf(directory)) found.set(await resolved(path), path)
  }
  if (found.size > MAX_VOLUMES) {
    throw new AirliftError('ARCHIVE_INVALID', `there are ${found.size} volumes, more than ${MAX_VOLUMES}`)
  }
  return [...found.values()]
}

async function volumesOf(directory: string): Promise<readonly string[]> {
  try {
    if (!(await stat(directory)).isDirectory()) return [directory]
    const names = await readdir(directory)
    const volumes = names.filter((name) => volumeNumber(name) !== undefined).toSorted()
    if (volumes.length > 0) return volumes.map((name) => join(directory, name))
  } catch (error) {
    throw new AirliftError('DISK_FAILED', `cannot read ${directory}`, {
      cause: error,
      ...(isSystemError(error, 'ENOENT') && { hint: 'name a directory that has the volumes of an archive in it' }),
    })
  }
  throw new AirliftError(
    'ARCHIVE_INCOMPLETE',
    `no tar archives matching "mirror_[0-9]{6}\\\\.tar" found in ${JSON.stringify(directory)}`,
    { hint: 'name the directory that has the volumes of the archive in it' },
  )
}

async function resolved(path: string): Promise<string> {
  try {
    return await realpath(path)
  } catch (error) {
    throw new AirliftError('DISK_FAILED', `cannot read the volume ${path}`, { cause: error })
  }
}
