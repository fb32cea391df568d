/** The volumes that lie in a workspace. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { isSystemError } from '../base/errors.ts'
import { volumeNumber } from '../archive/volume-file.ts'
import type { RecordedArchive } from './archive-record.ts'

export async function workspaceVolumes(
  directory: string,
): Promise<readonly { readonly path: string; readonly number: number }[]> {
  const names = await readdir(directory).catch((error: unknown) => {
    if (isSystemError(error, 'ENOENT')) return []
    throw error
  })
  return names.flatMap((name) => {
    const number = volumeNumber(name)
    return number === undefined ? [] : [{ path: join(directory, name), number }]
  })
}

/** Numbers go on from the last volume of the workspace, also when that was carried away. */
export async function nextVolume(directory: string, archives: readonly RecordedArchive[]): Promise<number> {
  const here = (await workspaceVolumes(directory)).map(({ number }) => number)
  const recorded = archives.flatMap(({ volumes }) => volumes.map(({ number }) => number))
  return [...here, ...recorded].reduce((most, number) => Math.max(most, number), 0) + 1
}
