/**
 * Hashes ranges of a file in another thread.
 *
 * The thread's program is the text of {@link hashRanges}, so that nothing has to lie
 * beside a bundle: the function uses nothing but what it asks the process for.
 */
import { Worker } from 'node:worker_threads'

export interface HashJob {
  readonly offset: number
  readonly size: number
  /** Absent where nothing says what the content is: it is only read. */
  readonly expected?: { readonly algorithm: string; readonly hex: string }
}

/** `header`: the block before the content is no tar header any more; `cut`: the file ends before the content does. */
export type RangeFault = 'content' | 'header' | 'cut'

type WorkerMessage =
  | { readonly type: 'progress'; readonly position: number }
  | { readonly type: 'fault'; readonly job: number; readonly fault: RangeFault }
  | { readonly type: 'done' }

export interface HashOptions {
  /** `position` in the file. */
  readonly onProgress: (position: number) => void
  readonly onFault: (job: number, fault: RangeFault) => void
  readonly signal: AbortSignal
}

/** @param descriptor Of an open file, which this does not close. `jobs` are in the order of their offsets. */
export async function hashInWorker(descriptor: number, jobs: readonly HashJob[], options: HashOptions): Promise<void> {
  const { signal } = options
  signal.throwIfAborted()
  const worker = new Worker(`(${hashRanges.toString()})()`, { eval: true, workerData: { descriptor, jobs } })
  try {
    await new Promise<void>((resolve, reject) => {
      const onAbort = (): void => reject(signal.reason as Error)
      signal.addEventListener('abort', onAbort, { once: true })
      worker.once('error', reject)
      worker.once('exit', () => {
        signal.removeEventListener('abort', onAbort)
        reject(new Error('a hashing thread ended early'))
      })
      worker.on('message', (message: WorkerMessage) => {
        if (message.type === 'done') resolve()
        else if (message.type === 'fault') options.onFault(message.job, message.fault)
        else options.onProgress(message.position)
      })
    })
  } finally {
    await worker.terminate()
  }
}

function hashRanges(): void {
  const { createHash } = process.getBuiltinModule('node:crypto')
  const { readSync } = process.getBuiltinModule('node:fs')
  const { parentPort, workerData } = process.getBuiltinModule('node:worker_threads')
  const { descriptor, jobs } = workerData as { readonly descriptor: number; readonly jobs: readonly HashJob[] }
  const block = 512
  const progressBytes = 32 * 1024 * 1024
  // Read and hashed while it is in the processor's cache; tuned on volumes of small and of 256 MiB blobs.
  const slab = Buffer.allocUnsafe(512 * 1024)
  let start = 0
  let end = 0
  let reported = 0

  function send(message: WorkerMessage): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- threads have no origin
    parentPort?.postMessage(message)
  }

  /** Bytes from `position` on, at most `wanted`, of what one read gives. */
  function bytesAt(position: number, wanted: number): Buffer {
    if (position < start || position >= end) {
      start = position
      end = position + readSync(descriptor, slab, 0, slab.length, position)
    }
    return slab.subarray(position - start, Math.min(end, position + wanted) - start)
  }

  function isHeader(position: number): boolean {
    if (position < start || position + block > end) {
      start = position
      end = position + readSync(descriptor, slab, 0, slab.length, position)
    }
    const header = slab.subarray(position - start, position - start + block)
    let sum = 8 * 0x20
    for (let at = 0; at < block; at += 1) if (at < 148 || at >= 156) sum += header[at] ?? 0
    return Number.parseInt(header.toString('latin1', 148, 156), 8) === sum
  }

  function faultOf({ offset, size, expected }: HashJob): RangeFault | undefined {
    if (!isHeader(offset - block)) return 'header'
    const hash = createHash(expected?.algorithm ?? 'sha256')
    for (let position = offset; position < offset + size;) {
      const bytes = bytesAt(position, offset + size - position)
      if (bytes.length === 0) return 'cut'
      hash.update(bytes)
      position += bytes.length
      if (position - reported >= progressBytes) {
        reported = position
        send({ type: 'progress', position })
      }
    }
    return expected !== undefined && hash.digest('hex') !== expected.hex ? 'content' : undefined
  }

  for (const [job, range] of jobs.entries()) {
    const fault = faultOf(range)
    if (fault !== undefined) send({ type: 'fault', job, fault })
  }
  send({ type: 'done' })
}
