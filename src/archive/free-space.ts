/** Whether the volumes fit, asked of the file system that they go to. */
import { statfsSync } from 'node:fs'
import { AirliftError } from '../base/errors.ts'
import { formatBytes } from '../base/units.ts'

/** @throws {AirliftError} `DISK_FULL`. */
export function checkFreeSpace(root: string, wanted: number): void {
  const free = freeBytes(root)
  if (wanted <= free) return
  throw new AirliftError(
    'DISK_FULL',
    `the volumes need ${formatBytes(wanted)} more in ${root}, and ${formatBytes(free)} are free`,
    { hint: `free ${formatBytes(wanted - free)} there, or name another directory`, details: { wanted, free } },
  )
}

/** Bytes that this user may still write. */
export function freeBytes(root: string): number {
  const { bavail, bsize } = statfsSync(root)
  return bavail * bsize
}
