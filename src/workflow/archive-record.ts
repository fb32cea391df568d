/**
 * What this workspace knows of the archives that it made, also of those that were
 * carried away: `working-dir/airlift/archives.json`.
 *
 * Numbers of volumes and the chain of archives go on from here. What the archives
 * held is in `.history`, in the original's format; the tags stand here.
 */
import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { writeFileAtomic } from '../base/atomic-file.ts'
import { AirliftError, isSystemError, messageOf } from '../base/errors.ts'
import type { ArchiveIdentity } from '../archive/archive-types.ts'
import { isDigest } from '../oci/digest.ts'
import type { Digest } from '../oci/digest.ts'

export interface RecordedArchive {
  readonly id: string
  /** 1 for the first of the workspace. */
  readonly sequence: number
  readonly createdAt: string
  readonly volumes: readonly RecordedVolume[]
  /** `repository:tag` → digest, of tags that are new or moved with this archive. */
  readonly tags: Readonly<Record<string, Digest>>
}

export interface RecordedVolume {
  readonly name: string
  readonly number: number
  readonly size: number
}

const DIGEST = z.string().refine((text): text is Digest => isDigest(text))
const RECORD = z.object({
  version: z.literal(1),
  archives: z.array(
    z.object({
      id: z.string(),
      sequence: z.int().positive(),
      createdAt: z.string(),
      volumes: z.array(z.object({ name: z.string(), number: z.int().positive(), size: z.int().nonnegative() })),
      tags: z.record(z.string(), DIGEST),
    }),
  ),
})

/** @throws {AirliftError} `DISK_FAILED` where the file is damaged. */
export async function readRecord(path: string): Promise<readonly RecordedArchive[]> {
  try {
    return RECORD.parse(JSON.parse(await readFile(path, 'utf8'))).archives
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return []
    throw new AirliftError('DISK_FAILED', `cannot read the record of archives ${path}: ${messageOf(error)}`, {
      hint: 'restore the file; without it, volumes are numbered from what lies in the directory',
    })
  }
}

/** Adds an archive, or replaces what was known of the same one. */
export async function recordArchive(path: string, archive: RecordedArchive): Promise<void> {
  const others = (await readRecord(path)).filter(({ id }) => id !== archive.id)
  await writeFileAtomic(path, `${JSON.stringify({ version: 1, archives: [...others, archive] }, undefined, 1)}\n`)
}

/** Tags as the archives in order left them. */
export function recordedTags(archives: readonly RecordedArchive[]): ReadonlyMap<string, Digest> {
  return new Map(archives.flatMap(({ tags }) => Object.entries(tags)))
}

/** @param since `2026-01-16`: archives of that day or later are passed over. */
export function nextIdentity(
  id: string,
  archives: readonly RecordedArchive[],
  since: string | undefined,
): ArchiveIdentity {
  const last = archives.at(-1)
  const continued = since === undefined ? last : archives.findLast(({ createdAt }) => createdAt < since)
  return {
    id,
    sequence: (last?.sequence ?? 0) + 1,
    ...(continued !== undefined && { continues: { id: continued.id, sequence: continued.sequence } }),
  }
}
