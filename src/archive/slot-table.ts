/**
 * Every blob of an archive that is being written: where it goes, and how much of
 * it is there. What changes is written to the journal.
 */
import type { AirliftError } from '../base/errors.ts'
import { isAirliftError } from '../base/errors.ts'
import type { BlobSlot, BlobSlots } from '../content/blob-slots.ts'
import { sizeMismatch } from '../content/verify-stream.ts'
import type { Expected } from '../content/verify-stream.ts'
import type { Digest } from '../oci/digest.ts'
import type { VolumeLayout } from './archive-types.ts'
import { diskFailure } from './disk-failure.ts'
import type { Journal, JournalBlob, JournalPlace } from './journal.ts'

/** Bytes between two facts about one blob: what a kill may cost, beside what is in the sockets. */
const CHECKPOINT_BYTES = 1024 * 1024

interface Row extends JournalPlace {
  received: number
  /** What the journal says of `received`. */
  noted: number
  isWhole: boolean
}

export interface SlotTableOptions {
  readonly root: string
  readonly volumes: readonly VolumeLayout[]
  /** Of the unfinished volume of that number. */
  readonly partPath: (volume: number) => string
}

export class SlotTable implements BlobSlots {
  readonly #options: SlotTableOptions
  readonly #rows = new Map<Digest, Row>()
  #journal: Journal | undefined
  #failure: AirliftError | undefined

  constructor(options: SlotTableOptions) {
    this.#options = options
    for (const { number, entries } of options.volumes) {
      for (const { source, offset, size } of entries) {
        if (source.kind !== 'blob') continue
        this.#rows.set(source.digest, { volume: number, offset, size, received: 0, noted: 0, isWhole: false })
      }
    }
  }

  /** From now on, what changes is written there. */
  noteIn(journal: Journal): void {
    this.#journal = journal
  }

  /** Takes over what an earlier run of the same plan left, where it fits. */
  restore({ digest, volume, offset, size, received, isWhole }: JournalBlob): void {
    const row = this.#rows.get(digest)
    if (row === undefined || row.volume !== volume || row.offset !== offset || row.size !== size) return
    row.received = Math.min(received, size)
    row.noted = row.received
    row.isWhole = isWhole
  }

  has(digest: Digest): boolean {
    return this.#rows.has(digest)
  }

  isWhole(digest: Digest): boolean {
    return this.#rows.get(digest)?.isWhole === true
  }

  /** Bytes of blobs that are there. */
  get received(): number {
    return [...this.#rows.values()].reduce((sum, { received }) => sum + received, 0)
  }

  *digests(): Iterable<Digest> {
    yield* this.#rows.keys()
  }

  /** Where a blob lies, whole or not; `undefined` where the archive has no place for it. */
  place(digest: Digest): (BlobSlot & { readonly size: number }) | undefined {
    const row = this.#rows.get(digest)
    if (row === undefined) return undefined
    const { volume, offset, size, received } = row
    return { path: this.#options.partPath(volume), offset, size, received }
  }

  slot({ digest, size }: Expected): BlobSlot | undefined {
    this.throwIfFailed()
    const place = this.place(digest)
    if (place === undefined) throw new Error(`the archive has no place for ${digest}`)
    // Two manifests may say different things of one blob: the one that lies costs its own image.
    if (place.size !== size) throw sizeMismatch({ digest, size }, place.size)
    return this.isWhole(digest) ? undefined : place
  }

  reached(digest: Digest, received: number): void {
    const row = this.#row(digest)
    row.received = received
    const isDue = received < row.noted || received >= row.noted + CHECKPOINT_BYTES
    // The last checkpoint is the blob's end, which is told once it is verified.
    if (!isDue || received >= row.size) return
    row.noted = received
    this.#note((journal) => journal.received(digest, row, received))
  }

  completed(digest: Digest): void {
    this.throwIfFailed()
    const row = this.#row(digest)
    row.received = row.size
    this.#note((journal) => journal.whole(digest, row))
    row.isWhole = true
  }

  diskFailed(error: unknown): AirliftError {
    const failure = diskFailure(error, `writing the archive in ${this.#options.root}`)
    if (!isAirliftError(failure)) throw failure
    this.#failure ??= failure
    return failure
  }

  throwIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure
  }

  #note(write: (journal: Journal) => void): void {
    if (this.#journal === undefined) return
    try {
      write(this.#journal)
    } catch (error) {
      throw this.diskFailed(error)
    }
  }

  #row(digest: Digest): Row {
    const row = this.#rows.get(digest)
    if (row === undefined) throw new Error(`the archive has no place for ${digest}`)
    return row
  }
}
