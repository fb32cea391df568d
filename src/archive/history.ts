/**
 * What earlier archives of a workspace held, in the files of `oc-mirror` v2: one
 * for each run, with every digest that was archived up to it.
 *
 * A digest that stands here wrongly is never archived again: digests come here
 * only once their volume is whole.
 */
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { writeFileAtomic } from '../base/atomic-file.ts'
import { AirliftError, isSystemError } from '../base/errors.ts'
import type { CallOptions } from '../content/ports.ts'
import { isDigest } from '../oci/digest.ts'
import type { Digest } from '../oci/digest.ts'

const FOLDER = '.history'
const FILE_NAME = /^\.history-(?<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d))$/
/** Three million digests. */
const MAX_BYTES = 256 * 1024 * 1024

export interface ReadHistoryOptions extends CallOptions {
  /** Only what was archived before; all where absent. */
  readonly before?: Date
}

/**
 * Digests of the newest file, by the time in its name. None where there is no such file.
 *
 * @throws {AirliftError} `DISK_FAILED` where the file cannot be read.
 */
export async function readHistory(workingDir: string, options: ReadHistoryOptions): Promise<ReadonlySet<Digest>> {
  const path = await newestFile(join(workingDir, FOLDER), options.before)
  if (path === undefined) return new Set()
  options.signal.throwIfAborted()
  try {
    const { size } = await stat(path)
    if (size > MAX_BYTES) throw new Error(`it has ${size} bytes, more than ${MAX_BYTES}`)
    const text = await readFile(path, { encoding: 'utf8', signal: options.signal })
    // A line that is cut off or foreign names nothing that could be left out: its blob is archived once more.
    return new Set(text.split('\n').filter(isDigest))
  } catch (error) {
    options.signal.throwIfAborted()
    throw unreadable(path, error)
  }
}

/** @param digests All that archives hold so far: what {@link readHistory} gave, and what this run added. */
export async function writeHistory(
  workingDir: string,
  createdAt: string,
  digests: ReadonlySet<Digest>,
): Promise<string> {
  const path = join(workingDir, FOLDER, `.history-${createdAt}`)
  await writeFileAtomic(
    path,
    [...digests]
      .toSorted()
      .map((digest) => `${digest}\n`)
      .join(''),
  )
  return path
}

async function newestFile(folder: string, before: Date | undefined): Promise<string | undefined> {
  const limit = before?.getTime() ?? Infinity
  const newest = (await filesOf(folder))
    .map((name) => ({ name, time: Date.parse(FILE_NAME.exec(name)?.groups?.['time'] ?? '') }))
    .filter(({ time }) => time < limit)
    .toSorted((a, b) => b.time - a.time || (a.name < b.name ? 1 : -1))[0]
  return newest === undefined ? undefined : join(folder, newest.name)
}

async function filesOf(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return []
    throw unreadable(folder, error)
  }
}

function unreadable(path: string, cause: unknown): AirliftError {
  return new AirliftError('DISK_FAILED', `the history of earlier archives in ${path} cannot be read`, {
    cause,
    hint: 'make it readable, or move it away to archive everything again',
  })
}
