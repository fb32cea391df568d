/**
 * Writes an archive: volumes laid out beforehand, filled in any order, and named
 * at the end.
 *
 * Until {@link ArchiveWriter.close}, everything lies in `<root>/.airlift`; a
 * volume has its name only once it is whole and on the disk. Whoever opens the
 * same plan again goes on where the last run was stopped, whatever stopped it.
 */
import { mkdirSync } from 'node:fs'
import type { BlobSlots } from '../content/blob-slots.ts'
import type { CallOptions, ImageSink } from '../content/ports.ts'
import type { Digest } from '../oci/digest.ts'
import type { RepositoryName } from '../oci/reference.ts'
import { ArchiveSink } from './archive-sink.ts'
import type { ArchiveContent, ArchiveLayout } from './archive-types.ts'
import { closeArchive } from './close-archive.ts'
import { diskFailure } from './disk-failure.ts'
import { Journal } from './journal.ts'
import { DirectoryLock } from './lock.ts'
import { bootId } from './machine.ts'
import { resumeArchive } from './resume-archive.ts'
import { SlotTable } from './slot-table.ts'
import { partPath, removeFolder, unfinishedPaths } from './unfinished.ts'

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
interface WrittenVolume {
  readonly path: string
  readonly number: number
  readonly size: number
}

export interface ClosedArchive {
  readonly volumes: readonly WrittenVolume[]
  /** Blobs that the volumes hold, manifests too. */
  readonly whole: ReadonlySet<Digest>
  /** Blobs that lack, with images that failed. */
  readonly lacking: ReadonlySet<Digest>
}

export interface CloseOptions extends CallOptions {
  /** Ids of images ({@link ArchiveContent.images}) that were not copied whole. */
  readonly failedImages: ReadonlySet<string>
  /**
   * Called once the volumes are there, such as to write the history. Until it resolves, the run counts as unfinished:
   * a run that is killed in between closes the same volumes again, and calls this again.
   */
  readonly record?: (closed: ClosedArchive) => Promise<void>
}

export interface ArchiveWriter extends AsyncDisposable {
  /** Where blobs go: what a carrier to disk fills. */
  readonly slots: BlobSlots
  /** Bytes of blobs that were there when the archive was opened, from a run that was stopped. */
  readonly resumedBytes: number
  sink(name: RepositoryName): ImageSink
  /**
   * Makes void what failed images lack, writes each volume's index, and gives the volumes their names. Where every
   * image failed, nothing is closed, and the next run goes on.
   *
   * @throws {AirliftError} `DISK_FAILED` or `DISK_FULL`; the next run goes on.
   */
  close(options: CloseOptions): Promise<ClosedArchive>
}

/**
 * Takes the directory for this process, and goes on with what an earlier run left there.
 *
 * @throws {AirliftError} `ARCHIVE_BUSY` where another run writes there, `DISK_FULL` where the volumes cannot fit,
 *   `VOLUME_EXISTS` where a volume of that number is there, `DISK_FAILED` for all that the system refuses.
 */
export async function openArchiveWriter(options: ArchiveWriterOptions): Promise<ArchiveWriter> {
  const { root, layout, content, planDigest, signal } = options
  const paths = unfinishedPaths(root)
  using stack = new DisposableStack()
  try {
    mkdirSync(paths.folder, { recursive: true })
    stack.defer(() => removeFolder(paths))
    stack.use(new DirectoryLock(paths.lock))
    const partOf = (volume: number): string => partPath(paths.folder, volume)
    const table = new SlotTable({ root, volumes: layout.volumes, partPath: partOf })
    const mtime = Math.floor(Date.parse(content.createdAt) / 1000)
    const unfinished = { root, paths, layout, mtime, table, planDigest, signal }
    const openJournal = (): Journal => stack.use(new Journal(paths.journal, { plan: planDigest, boot: bootId() }))
    const journal = await resumeArchive(unfinished, openJournal)
    const resumedBytes = table.received
    const repositories = Map.groupBy(content.images, ({ repository }) => repository)
    const owned = stack.move()
    return {
      slots: table,
      resumedBytes,
      sink: ({ repository }) => new ArchiveSink(table, repositories.get(repository) ?? []),
      close: (closing) => closeArchive({ ...unfinished, content, journal }, closing),
      [Symbol.asyncDispose]: async () => {
        await Promise.resolve()
        owned.dispose()
      },
    }
  } catch (error) {
    throw diskFailure(error, `preparing the archive in ${root}`)
  }
}
