/**
 * Writes an archive: volumes laid out beforehand, filled in any order, and named
 * at the end.
 *
 * Until {@link ArchiveWriter.close}, everything lies in `<root>/.airlift`; a
 * volume has its name only once it is whole and on the disk. Whoever opens the
 * same plan again goes on where the last run was stopped, whatever stopped it.
 */
import type { BlobSlots } from '../content/blob-slots.ts'
import type { ImageSink } from '../content/ports.ts'
import type { Digest } from '../oci/digest.ts'
import type { RepositoryName } from '../oci/reference.ts'
import type { ArchiveContent, ArchiveLayout } from './archive-types.ts'

export interface ArchiveWriterOptions {
  /** Directory that the volumes appear in; made where it is missing. */
  readonly root: string
  readonly layout: ArchiveLayout
  readonly content: ArchiveContent
  /** Of the plan that the layout was made for: only the same plan goes on where the last run was stopped. */
  readonly planDigest: Digest
  readonly signal: AbortSignal
}

/** A volume that is there for good. */
export interface VolumeFile {
  readonly path: string
  readonly number: number
  readonly size: number
}

export interface ClosedArchive {
  readonly volumes: readonly VolumeFile[]
  /** Blobs that the volumes hold, manifests too. */
  readonly whole: ReadonlySet<Digest>
  /** Blobs that lack, with images that failed. */
  readonly lacking: ReadonlySet<Digest>
}

export interface ArchiveWriter extends AsyncDisposable {
  /** Where blobs go: what a carrier to disk fills. */
  readonly slots: BlobSlots
  /** Bytes of blobs that were there when the archive was opened, from a run that was stopped. */
  readonly resumedBytes: number
  sink(name: RepositoryName): ImageSink
  /**
   * Makes void what failed images lack, writes each volume's index, and gives the volumes their names.
   *
   * @param options.failedImages ids of images ({@link ArchiveContent.images}) that were not copied whole.
   * @throws {AirliftError} `DISK_FAILED` or `DISK_FULL`; the next run goes on.
   */
  close(options: { readonly failedImages: ReadonlySet<string>; readonly signal: AbortSignal }): Promise<ClosedArchive>
}

/**
 * Takes the directory for this process, and goes on with what an earlier run left there.
 *
 * @throws {AirliftError} `ARCHIVE_BUSY` where another run writes there, `DISK_FULL` where the volumes cannot fit,
 *   `VOLUME_EXISTS` where a volume of that number is there, `DISK_FAILED` for all that the system refuses.
 */
export function openArchiveWriter(_options: ArchiveWriterOptions): Promise<ArchiveWriter> {
  return Promise.reject(new Error('not yet'))
}
