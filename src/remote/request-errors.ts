/**
 * Turns what went wrong with a request into an error for people: which side and
 * registry, what was being done, why, and whether trying again can help.
 */
import { AirliftError, isAirliftError } from '../base/errors.ts'
import type { ErrorCode } from '../base/errors.ts'
import type { RefusedAnswer } from './blob-orders.ts'
import type { Side } from './endpoint.ts'
import { parseServerError, plain } from './server-error.ts'

/** Whom a request was made to. */
export interface Peer {
  readonly side: Side
  /** As references name it. */
  readonly registry: string
  /** Where credentials were looked for. */
  readonly lookedIn: () => readonly string[]
}

/** When a request may be sent again: always, only where somebody listens, only where no server has acted on it, or never. */
export type Replay = 'always' | 'listening' | 'unprocessed' | 'never'

/** Longest wait that a `Retry-After` can ask for. */
const LONGEST_WAIT_MS = 60_000

const UNKNOWN: Partial<Record<string, ErrorCode>> = {
  MANIFEST_UNKNOWN: 'MANIFEST_UNKNOWN',
  BLOB_UNKNOWN: 'BLOB_UNKNOWN',
  BLOB_UPLOAD_INVALID: 'BLOB_UPLOAD_INVALID',
  BLOB_UPLOAD_UNKNOWN: 'BLOB_UPLOAD_INVALID',
  DIGEST_INVALID: 'DIGEST_MISMATCH',
  SIZE_INVALID: 'SIZE_MISMATCH',
}

/** `doing` is such as `reading manifest v1 in quay.io/a/b`. */
export function responseError(peer: Peer, doing: string, answer: RefusedAnswer): AirliftError {
  const { status } = answer
  const { code: serverCode, text } = parseServerError(answer.body)
  const retryAfterMs = parseRetryAfter(answer.headers['retry-after'], Date.now())
  const why = text === '' ? `status ${status}` : text
  const hint = hintFor(peer, status)
  return new AirliftError(codeFor(status, serverCode), `${peer.side}: ${doing}: ${why}`, {
    ...(hint !== undefined && { hint }),
    details: {
      side: peer.side,
      registry: peer.registry,
      status,
      ...(serverCode !== undefined && { serverCode }),
      ...(retryAfterMs !== undefined && { retryAfterMs }),
    },
  })
}

function codeFor(status: number, serverCode: string | undefined): ErrorCode {
  if (status === 401) return 'AUTH_REQUIRED'
  if (status >= 500 || status === 408 || status === 429) return 'REGISTRY_FAILED'
  if (status >= 300 && status < 400) return 'REGISTRY_UNSUPPORTED'
  const named = serverCode === undefined ? undefined : UNKNOWN[serverCode]
  if (named !== undefined) return named
  return status < 300 || status === 404 || status === 405 ? 'REGISTRY_UNSUPPORTED' : 'REGISTRY_REFUSED'
}

function hintFor(peer: Peer, status: number): string | undefined {
  if (status === 401 || status === 403) return credentialHint(peer)
  if (status === 429) return 'the registry limits requests: lower --parallel-images and --parallel-layers, or log in'
  if (status >= 500) return 'try again later; nothing that arrived is lost'
  return undefined
}

export function credentialHint({ registry, lookedIn }: Peer): string {
  const places = lookedIn()
  const where = places.length === 0 ? 'nowhere' : places.join(', ')
  return `log in to ${registry} with an account that may do this; credentials were looked for in ${where}`
}

const REASONS: Partial<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset by peer',
  EPIPE: 'connection closed by peer',
  UND_ERR_SOCKET: 'connection closed by peer',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'temporary failure in name resolution',
  EHOSTUNREACH: 'no route to host',
  ENETUNREACH: 'network is unreachable',
  ETIMEDOUT: 'connection timed out',
  UND_ERR_CONNECT_TIMEOUT: 'connection timed out',
  UND_ERR_HEADERS_TIMEOUT: 'no answer in time',
  UND_ERR_BODY_TIMEOUT: 'the answer stopped moving',
  UND_ERR_HEADERS_OVERFLOW: 'the answer has too long headers',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'the answer is shorter or longer than its content-length',
  ERR_SSL_WRONG_VERSION_NUMBER: 'server gave HTTP response to HTTPS client',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'server gave HTTP response to HTTPS client',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'certificate signed by unknown authority',
  SELF_SIGNED_CERT_IN_CHAIN: 'certificate signed by unknown authority',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'certificate signed by unknown authority',
  UNABLE_TO_GET_ISSUER_CERT: 'certificate signed by unknown authority',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'certificate signed by unknown authority',
  CERT_HAS_EXPIRED: 'certificate has expired',
  CERT_NOT_YET_VALID: 'certificate is not yet valid',
  ERR_TLS_CERT_ALTNAME_INVALID: 'certificate is valid for other names only',
}
const TIMEOUTS: ReadonlySet<string> = new Set([
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
])
/** Codes of our own mistakes, and of a client that was closed. */
const OURS = /^(?:ERR_INVALID_ARG|ERR_ASSERTION|UND_ERR_INVALID_ARG|UND_ERR_CLOSED|UND_ERR_DESTROYED|UND_ERR_ABORTED)/
/** Asking again gives the same. */
const LASTING: ReadonlySet<string> = new Set(['ENOTFOUND', 'UND_ERR_HEADERS_OVERFLOW'])

/** What a request threw: explained if the network did it, as it is if it was an abort, a bug, or explained already. */
export function explained(peer: Peer, doing: string, error: unknown): unknown {
  const reason = codeOf(error)
  return reason === '' || OURS.test(reason) ? error : connectionError(peer, doing, error)
}

/** What the network below a request threw. */
export function connectionError(peer: Peer, doing: string, error: unknown): AirliftError {
  if (isAirliftError(error)) return error
  const reason = codeOf(error)
  const why = REASONS[reason] ?? plain(error instanceof Error ? error.message : String(error))
  const isCertificate = why.startsWith('certificate ')
  return new AirliftError(connectionCode(reason, isCertificate), `${peer.side}: ${doing}: ${why}`, {
    cause: error,
    hint: connectionHint(peer, why, isCertificate),
    details: { side: peer.side, registry: peer.registry, reason },
  })
}

function connectionCode(reason: string, isCertificate: boolean): ErrorCode {
  if (isCertificate) return 'CERTIFICATE_INVALID'
  return TIMEOUTS.has(reason) ? 'TIMEOUT' : 'REGISTRY_UNREACHABLE'
}

function connectionHint({ side, registry }: Peer, why: string, isCertificate: boolean): string {
  const flag = side === 'source' ? '--src-tls-verify=false' : '--dest-tls-verify=false'
  if (isCertificate) return `put the registry's CA into certs.d/${registry}/ca.crt, or pass ${flag}`
  if (why.includes('HTTP response'))
    return `if ${registry} has no TLS, make it insecure in registries.conf, or pass ${flag}`
  return `check the name ${registry}, the network and the proxy settings`
}

/** The code of a system error, or of the first of several that one connection attempt met. */
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return ''
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0])
  const own = 'code' in error && typeof error.code === 'string' ? error.code : ''
  const inner = error.cause instanceof Error ? codeOf(error.cause) : ''
  return REASONS[own] === undefined || own === 'UND_ERR_SOCKET' ? inner || own : own
}

/** Milliseconds to wait at least before the request is sent again; `undefined` where it must not be. */
export function retryDelay(error: unknown, replay: Replay): number | undefined {
  if (!isAirliftError(error) || replay === 'never') return undefined
  const { status, reason, retryAfterMs } = error.details
  if (!isTransient(error.code, status, reason)) return undefined
  if (replay === 'listening' && reason === 'ECONNREFUSED') return undefined
  const isUnprocessed = status === 429 || status === 503 || reason === 'ECONNREFUSED'
  if (replay === 'unprocessed' && !isUnprocessed) return undefined
  return typeof retryAfterMs === 'number' ? retryAfterMs : 0
}

function isTransient(code: ErrorCode, status: unknown, reason: unknown): boolean {
  if (code === 'TIMEOUT') return true
  if (code === 'REGISTRY_UNREACHABLE') return typeof reason !== 'string' || !LASTING.has(reason)
  return code === 'REGISTRY_FAILED' && status !== 501 && status !== 505
}

/** Seconds or a date, as milliseconds from `now`, at most a minute. */
export function parseRetryAfter(header: string | readonly string[] | undefined, now: number): number | undefined {
  const text = typeof header === 'string' ? header : header?.[0]
  if (text === undefined) return undefined
  const waitMs = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now
  return Number.isFinite(waitMs) ? Math.min(Math.max(waitMs, 0), LONGEST_WAIT_MS) : undefined
}

/** The same failure, told by someone who knows what it was for. */
export function inContext(error: unknown, side: Side, doing: string): unknown {
  if (!isAirliftError(error)) return error
  return new AirliftError(error.code, `${side}: ${doing}: ${error.message}`, {
    cause: error.cause ?? error,
    ...(error.hint !== undefined && { hint: error.hint }),
    details: error.details,
  })
}
