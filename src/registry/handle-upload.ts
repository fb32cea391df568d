/**
 * Pushing blobs: in one request, in a stream, in chunks, or by naming a blob that
 * is here already.
 *
 * Spec: https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-blobs
 */
import type { UploadSession } from '../content/blob-store.ts'
import { digestAlgorithm, isDigest, parseDigest } from '../oci/digest.ts'
import type { Digest } from '../oci/digest.ts'
import { isRepository } from '../oci/reference.ts'
import { sendEmpty } from './exchange.ts'
import type { Exchange } from './exchange.ts'
import { chunkRange } from './range.ts'
import { WireError } from './wire-error.ts'

export interface UploadRoute {
  readonly name: string
  readonly session: string
}

/** `POST …/blobs/uploads/`: mounts with `mount`, takes the whole blob with `digest`, opens a session otherwise. */
export async function startUpload(exchange: Exchange, { name }: { readonly name: string }): Promise<void> {
  const { query, store } = exchange
  const mount = query.get('mount')
  if (mount !== null && (await mountBlob(exchange, name, mount))) return sendCreated(exchange, name, parseDigest(mount))

  const digestText = query.get('digest')
  const digest = digestText === null ? undefined : parseDigest(digestText)
  const algorithm = digest === undefined ? undefined : digestAlgorithm(digest)
  const upload = await store.repository(name).startUpload({ signal: exchange.signal, ...(algorithm && { algorithm }) })
  if (digest === undefined) return sendProgress(exchange, 202, { name, upload })
  try {
    await receive(exchange, upload)
  } catch (error) {
    // Nobody has been told of this session.
    await upload.cancel()
    throw error
  }
  await upload.commit(digest, exchange)
  sendCreated(exchange, name, digest)
}

/** `GET …/blobs/uploads/<session>`: how far the upload is. */
export async function uploadStatus(exchange: Exchange, route: UploadRoute): Promise<void> {
  sendProgress(exchange, 204, { name: route.name, upload: await findUpload(exchange, route) })
}

/** `PATCH`: the next chunk, in order, or a stream of unknown length. */
export async function patchUpload(exchange: Exchange, route: UploadRoute): Promise<void> {
  const upload = await findUpload(exchange, route)
  checkOrder(exchange, route.name, upload)
  await receive(exchange, upload)
  sendProgress(exchange, 202, { name: route.name, upload })
}

/** `PUT`: what is left of the blob, possibly nothing, and its digest. */
export async function finishUpload(exchange: Exchange, route: UploadRoute): Promise<void> {
  const upload = await findUpload(exchange, route)
  const digest = parseDigest(exchange.query.get('digest') ?? '')
  checkOrder(exchange, route.name, upload)
  await receive(exchange, upload)
  await upload.commit(digest, exchange)
  sendCreated(exchange, route.name, digest)
}

export async function cancelUpload(exchange: Exchange, route: UploadRoute): Promise<void> {
  const upload = await findUpload(exchange, route)
  await upload.cancel()
  sendEmpty(exchange, 204)
}

/**
 * Without `from`, and from a repository that lacks the blob, it is looked for in
 * the whole store: what may be pulled at all may be mounted.
 */
async function mountBlob(exchange: Exchange, name: string, mount: string): Promise<boolean> {
  const from = exchange.query.get('from')
  if (from !== null && !isRepository(from)) throw new WireError('NAME_INVALID', 'invalid repository name in "from"')
  return isDigest(mount) && exchange.store.repository(name).link(mount, exchange)
}

async function findUpload(exchange: Exchange, { name, session }: UploadRoute): Promise<UploadSession> {
  const upload = await exchange.store.repository(name).upload(session, exchange)
  if (upload === undefined) throw new WireError('BLOB_UPLOAD_UNKNOWN', 'upload unknown to the registry')
  return upload
}

async function receive({ request, signal, stallGuard, limits }: Exchange, upload: UploadSession): Promise<void> {
  using _ = stallGuard.watch(request.socket)
  // The request outlives a failure here: its answer is still to be sent.
  const chunks = request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>
  await upload.append(chunks, { signal, maxSize: limits.maxBlobBytes })
}

function checkOrder(exchange: Exchange, name: string, upload: UploadSession): void {
  const header = exchange.request.headers['content-range']
  if (header === undefined) return
  const range = chunkRange(header)
  const length = exchange.request.headers['content-length']
  if (range === undefined || (length !== undefined && Number(length) !== range.end - range.start)) {
    throw new WireError('SIZE_INVALID', 'content-range does not fit the body')
  }
  if (range.start !== upload.offset) {
    throw new WireError('BLOB_UPLOAD_INVALID', 'chunk is out of order', {
      status: 416,
      headers: progressHeaders(name, upload),
    })
  }
}

function sendProgress(
  exchange: Exchange,
  status: number,
  { name, upload }: { readonly name: string; readonly upload: UploadSession },
): void {
  sendEmpty(exchange, status, progressHeaders(name, upload))
}

function progressHeaders(name: string, { id, offset }: UploadSession): Record<string, string> {
  return {
    location: `/v2/${name}/blobs/uploads/${id}`,
    // Inclusive, so that nothing and one byte look alike: clients know of it.
    range: `0-${Math.max(0, offset - 1)}`,
    'docker-upload-uuid': id,
  }
}

function sendCreated(exchange: Exchange, name: string, digest: Digest): void {
  sendEmpty(exchange, 201, { location: `/v2/${name}/blobs/${digest}`, 'docker-content-digest': digest })
}
