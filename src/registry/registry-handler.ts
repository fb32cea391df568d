/**
 * The server half of the distribution spec, over a blob store.
 *
 * One function for each endpoint and method, in the files beside this one; here
 * is only what all of them have in common.
 *
 * Spec: https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { BlobStore } from '../content/blob-store.ts'
import { sendError } from './error-response.ts'
import { sendBody } from './exchange.ts'
import type { Exchange, RegistryContext, RegistryLimits } from './exchange.ts'
import { deleteBlob, getBlob, headBlob } from './handle-blob.ts'
import { deleteManifest, getManifest, putManifest } from './handle-manifest.ts'
import { listReferrers } from './handle-referrers.ts'
import { listTags } from './handle-tags.ts'
import { cancelUpload, finishUpload, patchUpload, startUpload, uploadStatus } from './handle-upload.ts'
import { parseRoute } from './route.ts'
import type { Route } from './route.ts'
import { createSlabPool } from './slab-pool.ts'
import { createStallGuard } from './stall-guard.ts'
import { WireError } from './wire-error.ts'

export interface RegistryOptions {
  readonly store: BlobStore
  /** Refuses every method but `GET` and `HEAD`. */
  readonly readOnly?: boolean
  /** Takes an index whose manifests are not all there. */
  readonly allowSparseIndexes?: boolean
  readonly limits?: Partial<RegistryLimits>
  /** Called once for each request, when its answer has left or the client has gone. */
  readonly onRequest?: (request: ServedRequest) => void
}

export interface ServedRequest {
  readonly method: string
  /** With the query. */
  readonly path: string
  /** 499 where the client went away before it was answered. */
  readonly status: number
}

export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => void

type Handler<R> = (exchange: Exchange, route: R) => Promise<void> | void
type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
type Handlers = { readonly [E in Route['endpoint']]: Partial<Record<Method, Handler<Extract<Route, { endpoint: E }>>>> }

const HANDLERS: Handlers = {
  version: { GET: sendVersion, HEAD: sendVersion },
  blob: { GET: getBlob, HEAD: headBlob, DELETE: deleteBlob },
  manifest: { GET: getManifest, HEAD: getManifest, PUT: putManifest, DELETE: deleteManifest },
  tags: { GET: listTags, HEAD: listTags },
  referrers: { GET: listReferrers, HEAD: listReferrers },
  'upload-start': { POST: startUpload },
  upload: { GET: uploadStatus, PATCH: patchUpload, PUT: finishUpload, DELETE: cancelUpload },
}

const DEFAULT_LIMITS: RegistryLimits = { maxBlobBytes: 2 ** 40, maxPage: 10_000 }
const IDLE_SLABS = 64
/** A pull that takes less than one slab in two whole looks runs below 1 KiB/s. */
const STALL = { intervalMs: 120_000, minBytes: 1024 } as const
const CLIENT_GONE = 499

export function createRegistryHandler(options: RegistryOptions): RequestHandler {
  const context: RegistryContext = {
    store: options.store,
    limits: { ...DEFAULT_LIMITS, ...options.limits },
    allowSparseIndexes: options.allowSparseIndexes ?? false,
    slabs: createSlabPool(IDLE_SLABS),
    stallGuard: createStallGuard(STALL),
  }
  return (request, response) => {
    const gone = new AbortController()
    response.once('close', () => {
      if (!response.writableFinished) gone.abort(new Error('the client went away'))
      const status = response.headersSent ? response.statusCode : CLIENT_GONE
      options.onRequest?.({ method: request.method ?? '', path: request.url ?? '', status })
    })
    response.setHeader('docker-distribution-api-version', 'registry/2.0')
    serve({ ...context, request, response, signal: gone.signal }, options.readOnly ?? false).catch((error: unknown) =>
      sendError(request, response, error),
    )
  }
}

async function serve(exchange: Omit<Exchange, 'query'>, readOnly: boolean): Promise<void> {
  const { path, query } = splitTarget(exchange.request.url ?? '')
  const route = parseRoute(path)
  if (route === undefined) throw new WireError('UNSUPPORTED', 'no such endpoint', { status: 404 })
  const methods = Object.entries(HANDLERS[route.endpoint]).filter(
    ([method]) => !readOnly || method === 'GET' || method === 'HEAD',
  )
  const handler = methods.find(([method]) => method === exchange.request.method)?.[1] as Handler<Route> | undefined
  if (handler === undefined) {
    throw new WireError('UNSUPPORTED', readOnly ? 'the registry is read-only' : 'method not allowed here', {
      headers: { allow: methods.map(([method]) => method).join(', ') },
    })
  }
  await handler({ ...exchange, query }, route)
}

function splitTarget(target: string): { path: string; query: URLSearchParams } {
  const mark = target.indexOf('?')
  const path = mark < 0 ? target : target.slice(0, mark)
  try {
    return { path: decodeURIComponent(path), query: new URLSearchParams(mark < 0 ? '' : target.slice(mark + 1)) }
  } catch {
    throw new WireError('NAME_INVALID', 'the path has a broken escape')
  }
}

function sendVersion(exchange: Exchange): void {
  sendBody(exchange, 200, { body: '{}', headers: { 'content-type': 'application/json' } })
}
