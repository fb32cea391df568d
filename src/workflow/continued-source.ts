/**
 * One repository of an archive that continues earlier ones.
 *
 * It lacks what those held. Their manifests are read back from the target, which
 * got them then; what is in neither stays an error that says who would hold it.
 */
import { hasCode, isAirliftError } from '../base/errors.ts'
import type { ArchiveRepository } from '../archive/reading-types.ts'
import type { CallOptions, ImageSource, TagTable } from '../content/ports.ts'
import { isDigest } from '../oci/digest.ts'
import type { Digest } from '../oci/digest.ts'
import type { Manifest } from '../oci/manifest.ts'
import type { RepositoryName } from '../oci/reference.ts'
import { targetOf } from '../plan/target.ts'
import type { TargetBase } from '../plan/target.ts'

export interface ContinuedSourceOptions {
  readonly base: TargetBase
  readonly target: (name: RepositoryName) => TagTable
}

export function continuedSource(
  held: ArchiveRepository,
  options: ContinuedSourceOptions,
): ImageSource & Pick<ArchiveRepository, 'reader'> {
  return {
    reader: (digest) => held.reader(digest),
    open: (content, call) => held.open(content, call),
    head: (name, call) => held.head(name, call),
    tags: (call) => held.tags(call),
    referrers: (digest, call) => held.referrers(digest, call),
    manifest: async (name, call) => {
      try {
        return await held.manifest(name, call)
      } catch (error) {
        const digest = hasCode(error, 'BLOB_UNKNOWN') ? String(error.details['digest']) : ''
        const there = isDigest(digest) ? await atTarget(held.name, digest, { ...options, ...call }) : undefined
        if (there === undefined) throw error
        return there
      }
    },
  }
}

/** A target that cannot answer is one that does not have it: the archive's own words say more. */
async function atTarget(
  path: string,
  digest: Digest,
  { base, target, signal }: ContinuedSourceOptions & CallOptions,
): Promise<Manifest | undefined> {
  try {
    const { registry, repository } = targetOf({ origin: path, repository: path, tag: 'latest' }, base)
    return await target({ registry, repository }).manifest(digest, { signal })
  } catch (error) {
    if (signal.aborted || !isAirliftError(error)) throw error
    return undefined
  }
}
