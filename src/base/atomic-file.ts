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

export async function writeFileAtomic(path: string, data: string | Uint8Array, mode = 0o644): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  const partial = join(dirname(path), `.${randomUUID()}.tmp`)
  try {
    await writeFile(partial, data, { flag: 'wx', mode })
    await rename(partial, path)
  } catch (error) {
    await rm(partial, { force: true })
    throw error
  }
}
