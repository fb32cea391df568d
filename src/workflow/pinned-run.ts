/**
 * A run that writes an archive, as it was planned: `.airlift/run.json`.
 *
 * A run that was stopped goes on with what it had pinned, whatever the sources
 * and the history say by now, so that its volumes are those of a run that never
 * stopped. The file goes when the archive has its names.
 */
import { readFile } from 'node:fs/promises'
import { writeFileAtomic } from '../base/atomic-file.ts'
import { AirliftError, isSystemError, messageOf } from '../base/errors.ts'
import type { ErrorCode } from '../base/errors.ts'
import type { ArchiveIdentity } from '../archive/archive-types.ts'
import { digestAlgorithm, digestOf } from '../oci/digest.ts'
import type { Digest, DigestAlgorithm } from '../oci/digest.ts'
import { parseManifest } from '../oci/manifest.ts'
import type { Collection, UnresolvedImage } from '../plan/collection.ts'

export interface PinnedRun {
  /** Of everything that decides what a plan is made from. */
  readonly request: Digest
  readonly collection: Collection
  /** What earlier archives held of it. */
  readonly held: { readonly digests: readonly Digest[]; readonly tags: readonly (readonly [string, Digest])[] }
  readonly identity: ArchiveIdentity
  readonly firstVolume: number
}

/** The same as JSON: manifests as their bytes, errors as their parts. */
interface StoredRun extends Omit<PinnedRun, 'collection'> {
  readonly collection: Omit<Collection, 'manifests' | 'unresolved'> & {
    readonly manifests: readonly {
      readonly mediaType: string
      readonly algorithm: DigestAlgorithm
      readonly base64: string
    }[]
    readonly unresolved: readonly (Omit<UnresolvedImage, 'error'> & {
      readonly error: {
        readonly code: ErrorCode
        readonly message: string
        readonly hint?: string
        readonly details: Readonly<Record<string, string | number>>
      }
    })[]
  }
}

const FORMAT = 'airlift-run-1'

/** `undefined` where no run was stopped here, or what it left is not whole: then a new one begins. */
export async function readPinnedRun(path: string): Promise<PinnedRun | undefined> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (isSystemError(error, 'ENOENT')) return ''
    throw error
  })
  const json = text.slice(text.indexOf('\n') + 1)
  // What hashes to its first line is what this program wrote.
  if (!text.startsWith(`${FORMAT} ${digestOf(Buffer.from(json))}\n`)) return undefined
  const { collection, ...run } = JSON.parse(json) as StoredRun
  const manifests = collection.manifests.map(({ base64, ...type }) =>
    parseManifest(Buffer.from(base64, 'base64'), type),
  )
  return {
    ...run,
    collection: {
      ...collection,
      manifests: new Map(manifests.map((manifest) => [manifest.descriptor.digest, manifest])),
      unresolved: collection.unresolved.map(({ error: { code, message, ...more }, ...image }) => ({
        ...image,
        error: new AirliftError(code, message, more),
      })),
    },
  }
}

export async function writePinnedRun(path: string, { collection, ...run }: PinnedRun): Promise<void> {
  const stored: StoredRun = {
    ...run,
    collection: {
      ...collection,
      manifests: [...collection.manifests.values()].map(({ bytes, descriptor: { mediaType, digest } }) => ({
        mediaType,
        algorithm: digestAlgorithm(digest),
        base64: Buffer.from(bytes).toString('base64'),
      })),
      unresolved: collection.unresolved.map(({ error, ...image }) => ({
        ...image,
        error: {
          code: error.code,
          message: messageOf(error),
          details: error.details,
          ...(error.hint !== undefined && { hint: error.hint }),
        },
      })),
    },
  }
  const json = JSON.stringify(stored)
  await writeFileAtomic(path, `${FORMAT} ${digestOf(Buffer.from(json))}\n${json}`)
}
