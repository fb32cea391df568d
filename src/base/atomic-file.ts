/**
 * Files that are whole or absent.
 *
 * Bytes go to a temporary name in the same directory and are renamed, so a crash
 * leaves the old file or the new one, and garbage only under a name that ends in
 * `.tmp`.
 */
import { randomUUID } from 'node:crypto'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { diskFailed } from './disk-failed.ts'

/** @throws {AirliftError} `DISK_FAILED`. */
export async function writeFileAtomic(path: string, data: string | Uint8Array, mode = 0o644): Promise<void> {
  const partial = join(dirname(path), `.${randomUUID()}.tmp`)
  try {
    await mkdir(dirname(path), { recursive: true })
    await writeFile(partial, data, { flag: 'wx', mode })
    await rename(partial, path)
  } catch (error) {
    // What keeps it from going is what kept the file from coming, and has been told.
    await rm(partial, { force: true }).catch(() => undefined)
    throw diskFailed(`writing ${path}`, error)
  }
}
