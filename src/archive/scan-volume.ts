/**
 * The entries of a volume as its tar headers have them: one pass that reads
 * headers and no content.
 *
 * Small entries that lie side by side are read together; after a long one, little
 * is read, since the next header may lie far away again.
 */
import { AirliftError, hasCode } from '../base/errors.ts'
import type { CallOptions } from '../content/ports.ts'
import { MAX_HEADER_BYTES, parseTarHeader } from './parse-tar-header.ts'
import type { TarStep } from './parse-tar-header.ts'
import { BLOCK_BYTES, paddedSize } from './tar-header.ts'
import type { VolumeFile } from './volume-file.ts'

export interface ScannedEntry {
  readonly name: string
  /** Of its content. */
  readonly offset: number
  readonly size: number
}

export interface ScanResult {
  readonly entries: readonly ScannedEntry[]
  /** Why the pass ended before the end of the tar; `entries` are those before. */
  readonly failure: AirliftError | undefined
}

const WINDOW_BYTES = 256 * 1024
const FIRST_LOOK_BYTES = 4096
/** Entries of one volume. The biggest mirrors of the field have some 400,000. */
const MAX_ENTRIES = 999_999
const ENTRIES_PER_TURN = 10_000

/** What it finds wrong is in the result, so that the caller can tell what is whole; a failing disk is thrown. */
export async function scanVolume(volume: VolumeFile, { signal }: CallOptions): Promise<ScanResult> {
  const entries: ScannedEntry[] = []
  const names = new Set<string>()
  const window = new HeaderWindow(volume)
  let position = 0
  try {
    for (;;) {
      if (entries.length % ENTRIES_PER_TURN === 0) await takeTurns(signal)
      const step = window.headerAt(position)
      if (step.kind === 'end') return { entries, failure: undefined }
      if (step.kind === 'file') {
        if (names.has(step.name)) throw invalid(`has two entries ${JSON.stringify(step.name)}`)
        if (entries.length === MAX_ENTRIES) throw invalid(`has more than ${MAX_ENTRIES} entries`)
        names.add(step.name)
        entries.push({ name: step.name, offset: position + step.length, size: step.size })
      }
      position += step.length + paddedSize(step.size)
    }
  } catch (error) {
    if (!hasCode(error, 'ARCHIVE_INVALID', 'ARCHIVE_INCOMPLETE')) throw error
    return { entries, failure: named(error, volume, position) }
  }
}

/** Lets others run, and notices an abort: the pass itself reads on the calling thread. */
async function takeTurns(signal: AbortSignal): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
  signal.throwIfAborted()
}

class HeaderWindow {
  readonly #volume: VolumeFile
  readonly #slab = Buffer.allocUnsafe(WINDOW_BYTES)
  #start = 0
  #end = 0

  constructor(volume: VolumeFile) {
    this.#volume = volume
  }

  headerAt(position: number): Exclude<TarStep, { kind: 'more' }> {
    const remaining = this.#volume.size - position
    let wanted = BLOCK_BYTES
    for (;;) {
      const step = parseTarHeader(this.#bytes(position, Math.min(wanted, remaining)), remaining)
      if (step.kind !== 'more') return step
      if (step.bytes <= wanted || step.bytes > MAX_HEADER_BYTES) throw new Error(`a header of ${step.bytes} bytes`)
      wanted = step.bytes
    }
  }

  #bytes(position: number, wanted: number): Uint8Array {
    if (wanted <= 0) return this.#slab.subarray(0, 0)
    if (position < this.#start || position + wanted > this.#end) this.#fill(position, wanted)
    return this.#slab.subarray(position - this.#start, Math.min(this.#end, position + wanted) - this.#start)
  }

  #fill(position: number, wanted: number): void {
    const isNear = position <= this.#end + BLOCK_BYTES
    const size = isNear ? WINDOW_BYTES : Math.max(FIRST_LOOK_BYTES, wanted)
    this.#start = position
    this.#end = position + this.#volume.read(this.#slab.subarray(0, size), position)
  }
}

function invalid(what: string): AirliftError {
  return new AirliftError('ARCHIVE_INVALID', what)
}

function named(error: AirliftError, { path, size }: VolumeFile, position: number): AirliftError {
  const isEmpty = size === 0
  const message = isEmpty ? `empty archive file ${JSON.stringify(path)}` : `${path} at ${position}: ${error.message}`
  return new AirliftError(error.code, message, { ...(error.hint !== undefined && { hint: error.hint }) })
}
