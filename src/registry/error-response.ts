/**
 * Errors on the wire: one table, one writer. An unknown failure reveals nothing.
 *
 * Spec: https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#error-codes
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { isAirliftError } from '../base/errors.ts'
import type { ErrorCode } from '../base/errors.ts'
import { WireError } from './wire-error.ts'
import type { WireCode, WireErrorOptions } from './wire-error.ts'

/** Our codes that have a name on the wire; anything else is a 500 without detail. */
const WIRE: Partial<Record<ErrorCode, readonly [WireCode, WireErrorOptions?]>> = {
  BLOB_UNKNOWN: ['BLOB_UNKNOWN'],
  BLOB_UPLOAD_INVALID: ['BLOB_UPLOAD_INVALID', { status: 409 }],
  DIGEST_INVALID: ['DIGEST_INVALID'],
  DIGEST_MISMATCH: ['DIGEST_INVALID'],
  MANIFEST_INVALID: ['MANIFEST_INVALID'],
  MANIFEST_TOO_LARGE: ['MANIFEST_INVALID', { status: 413 }],
  MANIFEST_UNKNOWN: ['MANIFEST_UNKNOWN'],
  MANIFEST_UNSUPPORTED: ['MANIFEST_INVALID'],
  NAME_INVALID: ['NAME_INVALID'],
  SIZE_MISMATCH: ['SIZE_INVALID'],
}

/** Most entries in one answer: an index can lack thousands of manifests. */
const MAX_ENTRIES = 100
const MAX_DISCARDED_BYTES = 8 * 1024 * 1024

/**
 * Ends `response` with the spec's error body, or cuts the connection when the
 * status line has left already: a truncated blob must never look complete.
 */
export function sendError(request: IncomingMessage, response: ServerResponse, error: unknown): void {
  if (response.headersSent) return void response.destroy()
  const wire = toWireError(error)
  const body =
    wire === undefined
      ? [{ code: 'UNKNOWN', message: 'internal error' }]
      : entries(wire).map((detail) => ({
          code: wire.code,
          message: wire.message,
          ...(detail !== undefined && { detail }),
        }))
  const text = JSON.stringify({ errors: body })
  response.writeHead(wire?.status ?? 500, {
    ...wire?.headers,
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    ...(!isSoonRead(request) && { connection: 'close' }),
  })
  response.end(request.method === 'HEAD' ? undefined : text)
  request.resume()
}

/** A client still sending loses the answer where its connection is cut; what is little is read to the end instead. */
function isSoonRead(request: IncomingMessage): boolean {
  if (request.complete) return true
  const { 'content-length': length = '0', 'transfer-encoding': coding } = request.headers
  return coding === undefined && Number(length) <= MAX_DISCARDED_BYTES
}

function toWireError(error: unknown): WireError | undefined {
  if (error instanceof WireError) return error
  if (!isAirliftError(error)) return undefined
  const [code, options] = WIRE[error.code] ?? []
  return code === undefined ? undefined : new WireError(code, error.message, options)
}

function entries({ details }: WireError): readonly unknown[] {
  return details.length === 0 ? [undefined] : details.slice(0, MAX_ENTRIES)
}
