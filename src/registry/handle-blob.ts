/**
 * Pulling and deleting blobs.
 *
 * Spec: https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-blobs
 */
import type { ServerResponse } from 'node:http'
import type { BlobReader } from '../content/blob-store.ts'
import type { Digest } from '../oci/digest.ts'
import { sendEmpty } from './exchange.ts'
import type { Exchange } from './exchange.ts'
import { requestedRange } from './range.ts'
import type { ByteRange } from './range.ts'
import { WireError } from './wire-error.ts'

export interface BlobRoute {
  readonly name: string
  readonly digest: Digest
}

export async function headBlob(exchange: Exchange, { name, digest }: BlobRoute): Promise<void> {
  const size = await exchange.store.repository(name).size(digest, exchange)
  if (size === undefined) throw unknownBlob()
  sendEmpty(exchange, 200, { ...blobHeaders(digest), 'content-length': size })
}

export async function getBlob(exchange: Exchange, { name, digest }: BlobRoute): Promise<void> {
  await using reader = await exchange.store.repository(name).reader(digest, exchange)
  if (reader === undefined) throw unknownBlob()
  const { request, response } = exchange
  const { size } = reader
  const range = requestedRange(request.headers.range, size)
  if (range === 'unsatisfiable') {
    throw new WireError('SIZE_INVALID', 'no byte of the blob lies in the range', {
      status: 416,
      headers: { 'content-range': `bytes */${size}` },
    })
  }
  const { start, end } = range === 'whole' ? { start: 0, end: size } : range
  response.writeHead(range === 'whole' ? 200 : 206, {
    ...blobHeaders(digest),
    'content-length': end - start,
    ...(range !== 'whole' && { 'content-range': `bytes ${start}-${end - 1}/${size}` }),
  })
  await sendBytes(exchange, reader, { start, end })
  response.end()
}

export async function deleteBlob(exchange: Exchange, { name, digest }: BlobRoute): Promise<void> {
  if (!(await exchange.store.repository(name).deleteBlob(digest, exchange))) throw unknownBlob()
  sendEmpty(exchange, 202)
}

function blobHeaders(digest: Digest): Record<string, string> {
  return { 'content-type': 'application/octet-stream', 'docker-content-digest': digest, 'accept-ranges': 'bytes' }
}

async function sendBytes(
  { request, response, slabs, stallGuard }: Exchange,
  reader: BlobReader,
  { start, end }: ByteRange,
): Promise<void> {
  using _ = stallGuard.watch(request.socket)
  const slab = slabs.take()
  for (let position = start; position < end;) {
    const count = await reader.read(slab.subarray(0, Math.min(slab.length, end - position)), position)
    if (count === 0) throw new Error('a stored blob became shorter while it was read')
    await write(response, slab.subarray(0, count))
    position += count
  }
  // Not given back after a failure: the socket may still hold it.
  slabs.give(slab)
}

/** Resolves once the bytes have been handed on, so that their buffer may be used again. */
function write(response: ServerResponse, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    const onClose = (): void => reject(new Error('the client went away'))
    response.once('close', onClose)
    response.write(bytes, (error) => {
      response.off('close', onClose)
      if (error) reject(error)
      else resolve()
    })
  })
}

function unknownBlob(): WireError {
  return new WireError('BLOB_UNKNOWN', 'blob unknown to the repository')
}
