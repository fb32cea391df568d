import { createHash, randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import type { BlobReader } from '../../content/blob-store.ts'
import { parseDigest } from '../../oci/digest.ts'
import { LanePut } from './http-put.ts'
import { sendBlob } from './send-blob.ts'
import type { SendOrder } from './send-blob.ts'
import { SlabPool } from './slab-relay.ts'

const BYTES = randomBytes(3_000_001)
const CONTENT = {
  digest: parseDigest(`sha256:${createHash('sha256').update(BYTES).digest('hex')}`),
  size: BYTES.length,
}

/** Reads in pieces of odd sizes, at once or later. */
function readerOf(bytes: Uint8Array, isLate = false): BlobReader {
  const read = (slab: Uint8Array, position: number): number => {
    const piece = bytes.subarray(position, position + Math.min(slab.length, 99_999))
    slab.set(piece)
    return piece.length
  }
  return {
    size: CONTENT.size,
    read: (slab, position) => (isLate ? Promise.resolve().then(() => read(slab, position)) : read(slab, position)),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }
}

interface Target extends AsyncDisposable {
  readonly send: (reader: BlobReader, signal?: AbortSignal) => ReturnType<typeof sendBlob>
  /** What whole requests brought. */
  readonly received: Buffer[]
}

type Answer = (request: IncomingMessage, response: ServerResponse) => void

async function startTarget(answer?: Answer): Promise<Target> {
  const received: Buffer[] = []
  const server = createServer((request, response) => {
    if (answer !== undefined) return answer(request, response)
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      received.push(Buffer.concat(chunks))
      response.writeHead(201).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const put = new LanePut()
  const slabs = new SlabPool()
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/upload`
  return {
    received,
    send: (reader, signal = new AbortController().signal) => {
      const order: SendOrder = { content: CONTENT, reader, put: { url, headers: {} } }
      return sendBlob(order, { put, slabs }, { signal, stallTimeoutMs: 5000, onProgress: () => undefined })
    },
    async [Symbol.asyncDispose]() {
      put[Symbol.dispose]()
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
}

describe('sendBlob', () => {
  it.each([
    ['at once', false],
    ['later', true],
  ])('sends every byte of a reader that answers %s', async (_when, isLate) => {
    await using target = await startTarget()

    expect(await target.send(readerOf(BYTES, isLate))).toEqual({ kind: 'copied' })
    expect(target.received.map((bytes) => bytes.equals(BYTES))).toEqual([true])
  })

  it('never completes a blob that is not what it should be', async () => {
    await using target = await startTarget()
    const damaged = Buffer.from(BYTES)
    damaged[1_500_000] = (damaged[1_500_000] ?? 0) ^ 1

    expect(await target.send(readerOf(damaged))).toMatchObject({ kind: 'wrong-digest' })
    expect(target.received).toEqual([])
  })

  it('says where a file ends early', async () => {
    await using target = await startTarget()

    expect(await target.send(readerOf(BYTES.subarray(0, 2_000_000)))).toEqual({
      kind: 'wrong-size',
      announced: 2_000_000,
    })
    expect(target.received).toEqual([])
  })

  it('gives back the answer of a target that refuses before it has read', async () => {
    await using target = await startTarget((request, response) => {
      response.writeHead(507).end('no room')
      request.resume()
    })

    expect(await target.send(readerOf(BYTES))).toMatchObject({ kind: 'target-answered', response: { status: 507 } })
  })

  it('passes on what the disk says', async () => {
    await using target = await startTarget()
    const failing: BlobReader = {
      ...readerOf(BYTES),
      read: () => Promise.reject(new Error('EIO')),
    }

    await expect(target.send(failing)).rejects.toThrow('EIO')
    expect(target.received).toEqual([])
  })

  it('ends with the reason of an abort while the target reads nothing', async () => {
    const stop = new AbortController()
    const reason = new Error('interrupted')
    await using target = await startTarget((request) => {
      request.pause()
      stop.abort(reason)
    })

    await expect(target.send(readerOf(BYTES), stop.signal)).rejects.toBe(reason)
  })
})
