/**
 * What is known of an archive that is not finished: which blobs are whole, and
 * how far others got. Append-only; a line for each fact.
 *
 * Each line carries a checksum of itself, so a line that was torn or damaged is
 * passed over, and costs what it said and no more. A fact is written after the
 * bytes that it is about. The kernel keeps that order for a process that is
 * killed, but not for a machine that goes down: facts from before a restart of the
 * machine are marked, and whoever reads them hashes the bytes again.
 */
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import { isSystemError } from '../base/errors.ts'
import { isDigest } from '../oci/digest.ts'
import type { Digest } from '../oci/digest.ts'

/** Where a blob lies in a volume that is not finished. */
export interface JournalPlace {
  readonly volume: number
  /** Of its first byte. */
  readonly offset: number
  readonly size: number
}

export interface JournalBlob extends JournalPlace {
  readonly digest: Digest
  /** Bytes in the file. */
  readonly received: number
  /** All of it is there and was verified; otherwise a start of it, not verified. */
  readonly isWhole: boolean
  /** Since the fact was written, the machine has not gone down. */
  readonly isSure: boolean
}

/** A finished volume, about to get its name. */
export interface SealedVolume {
  readonly number: number
  /** Digest of its index. */
  readonly index: Digest
}

export interface JournalState {
  /** Absent where the line that says it is damaged. */
  readonly plan: Digest | undefined
  readonly blobs: ReadonlyMap<Digest, JournalBlob>
  readonly sealed: readonly SealedVolume[]
}

type JournalLine =
  | { readonly run: Digest; readonly boot: string }
  | {
      readonly blob: Digest
      readonly at: readonly [volume: number, offset: number, size: number]
      readonly has: number
    }
  | { readonly whole: Digest; readonly at: readonly [volume: number, offset: number, size: number] }
  | { readonly sealed: number; readonly index: Digest }

export class Journal implements Disposable {
  readonly #fd: number

  /** Opens for appending, and says which plan this run is for. */
  constructor(path: string, { plan, boot }: { readonly plan: Digest; readonly boot: string }) {
    this.#fd = openSync(path, 'a')
    // A line of its own ends one that was torn.
    writeSync(this.#fd, '\n')
    this.#append({ run: plan, boot })
  }

  received(digest: Digest, { volume, offset, size }: JournalPlace, has: number): void {
    this.#append({ blob: digest, at: [volume, offset, size], has })
  }

  whole(digest: Digest, { volume, offset, size }: JournalPlace): void {
    this.#append({ whole: digest, at: [volume, offset, size] })
  }

  sealed({ number, index }: SealedVolume): void {
    this.#append({ sealed: number, index })
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd)
  }

  #append(line: JournalLine): void {
    const text = JSON.stringify(line)
    writeSync(this.#fd, `${checksum(text)} ${text}\n`)
  }
}

/** @returns `undefined` where there is no journal. */
export function readJournal(path: string, { boot }: { readonly boot: string }): JournalState | undefined {
  const text = readIfThere(path)
  if (text === undefined) return undefined
  let plan: Digest | undefined
  let isSure = false
  const blobs = new Map<Digest, JournalBlob>()
  const sealed = new Map<number, SealedVolume>()
  for (const row of text.split('\n')) {
    const line = parseLine(row)
    if (line === undefined) {
      continue
    } else if ('run' in line) {
      plan = line.run
      isSure = line.boot === boot
      // What was sealed is open again.
      sealed.clear()
    } else if ('sealed' in line) {
      sealed.set(line.sealed, { number: line.sealed, index: line.index })
    } else {
      const isWhole = 'whole' in line
      const [volume, offset, size] = line.at
      const digest = isWhole ? line.whole : line.blob
      blobs.set(digest, { digest, volume, offset, size, isWhole, isSure, received: isWhole ? size : line.has })
    }
  }
  return { plan, blobs, sealed: [...sealed.values()] }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1')
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return undefined
    throw error
  }
}

/** A line is as it was written, or nothing. */
function parseLine(row: string): JournalLine | undefined {
  const text = row.slice(9)
  if (text === '' || row[8] !== ' ' || row.slice(0, 8) !== checksum(text)) return undefined
  const line = JSON.parse(text) as JournalLine
  return hasKnownShape(line) ? line : undefined
}

/** Of lines that another version wrote, those that say what they say here. */
function hasKnownShape(line: Readonly<Record<string, unknown>>): boolean {
  if ('run' in line) return isDigest(String(line['run'])) && typeof line['boot'] === 'string'
  if ('sealed' in line) return isCount(line['sealed']) && isDigest(String(line['index']))
  const { at } = line
  const hasPlace = Array.isArray(at) && at.length === 3 && at.every(isCount)
  return hasPlace && (isDigest(String(line['whole'])) || (isDigest(String(line['blob'])) && isCount(line['has'])))
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 0
}

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(8, '0')
}
