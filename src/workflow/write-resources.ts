/**
 * Writes the cluster resources of a run; those of earlier runs go once the new
 * ones are there, so that a run that dies leaves the old ones in place.
 */
import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { writeFileAtomic } from '../base/atomic-file.ts'
import { diskFailed } from '../base/disk-failed.ts'
import { isSystemError } from '../base/errors.ts'
import { mergeSets, mirrorSets, renderMirrorSets } from '../cluster-resources/mirror-sets.ts'
import type { MirrorSetKind, MirrorSets } from '../cluster-resources/mirror-sets.ts'
import { readMirrorSets } from '../cluster-resources/read-mirror-sets.ts'
import type { DocumentMetadata } from '../cluster-resources/document.ts'
import type { PlannedImage } from '../plan/plan-types.ts'

const FILES = [
  { kind: 'ImageDigestMirrorSet', file: 'idms-oc-mirror.yaml' },
  { kind: 'ImageTagMirrorSet', file: 'itms-oc-mirror.yaml' },
] as const

export interface WriteResourcesOptions {
  readonly directory: string
  readonly metadata: DocumentMetadata
  /** False where `--max-nested-paths` is set. */
  readonly keepsPaths: boolean
  /** Keep the entries of earlier runs into the same workspace. */
  readonly cumulative: boolean
}

/** @returns the files written, absolute. */
export async function writeResources(
  images: readonly PlannedImage[],
  options: WriteResourcesOptions,
): Promise<readonly string[]> {
  const { directory, metadata } = options
  const written: string[] = []
  for (const { kind, file } of FILES) {
    const path = join(directory, file)
    const earlier = options.cumulative ? await earlierSets(kind, path) : {}
    const text = renderMirrorSets(kind, mergeSets(earlier, mirrorSets(kind, images, options.keepsPaths)), metadata)
    if (text === undefined) continue
    await writeFileAtomic(path, text)
    written.push(path)
  }
  const names = written.map((path) => path.slice(directory.length + 1))
  try {
    await mkdir(directory, { recursive: true })
    for (const old of await readdir(directory))
      if (!names.includes(old)) await rm(join(directory, old), { recursive: true })
  } catch (error) {
    throw diskFailed(`clearing ${directory}`, error)
  }
  return written
}

async function earlierSets(kind: MirrorSetKind, path: string): Promise<MirrorSets> {
  try {
    return readMirrorSets(kind, await readFile(path, 'utf8'), path)
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return {}
    throw error
  }
}
