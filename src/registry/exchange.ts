/**
 * One request and its answer, with what a handler may use to serve it.
 */
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { BlobStore } from '../content/blob-store.ts'
import type { SlabPool } from './slab-pool.ts'
import type { StallGuard } from './stall-guard.ts'

export interface RegistryLimits {
  /** Largest blob that is taken, in bytes. */
  readonly maxBlobBytes: number
  /** Most names in one page of a listing. */
  readonly maxPage: number
}

/** What all requests of one registry share. */
export interface RegistryContext {
  readonly store: BlobStore
  readonly limits: RegistryLimits
  /** Whether an index may name manifests that are not there. */
  readonly allowSparseIndexes: boolean
  readonly slabs: SlabPool
  readonly stallGuard: StallGuard
}

export interface Exchange extends RegistryContext {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly query: URLSearchParams
  /** Aborted when the client goes away before the answer has left. */
  readonly signal: AbortSignal
}

/** Answers without a body. */
export function sendEmpty({ response }: Exchange, status: number, headers: OutgoingHttpHeaders = {}): void {
  // RFC 9110 forbids the length on a 204.
  response.writeHead(status, status === 204 ? headers : { 'content-length': 0, ...headers })
  response.end()
}

/** Answers with `body`, or with its headers only where that is what was asked for. */
export function sendBody(
  { request, response }: Exchange,
  status: number,
  { body, headers }: { readonly body: string | Uint8Array; readonly headers: OutgoingHttpHeaders },
): void {
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) })
  response.end(request.method === 'HEAD' ? undefined : body)
}
