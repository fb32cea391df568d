/**
 * Refusals as the distribution spec words them: a code of its table, and the
 * status that goes with it.
 *
 * Spec: https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#error-codes
 */
const STATUS = {
  BLOB_UNKNOWN: 404,
  BLOB_UPLOAD_INVALID: 400,
  BLOB_UPLOAD_UNKNOWN: 404,
  DENIED: 403,
  DIGEST_INVALID: 400,
  MANIFEST_BLOB_UNKNOWN: 400,
  MANIFEST_INVALID: 400,
  MANIFEST_UNKNOWN: 404,
  NAME_INVALID: 400,
  NAME_UNKNOWN: 404,
  SIZE_INVALID: 400,
  TOOMANYREQUESTS: 429,
  UNAUTHORIZED: 401,
  UNSUPPORTED: 405,
} as const
export type WireCode = keyof typeof STATUS

export interface WireErrorOptions {
  /** Where the code's usual status does not fit. */
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  /** One entry of the answer for each; a single entry without detail if absent. */
  readonly details?: readonly unknown[]
}

/** `message` goes to the client: it names nothing but what the client sent. */
export class WireError extends Error {
  override readonly name: string = 'WireError'
  readonly code: WireCode
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly details: readonly unknown[]

  constructor(code: WireCode, message: string, options: WireErrorOptions = {}) {
    super(message)
    this.code = code
    this.status = options.status ?? STATUS[code]
    this.headers = options.headers ?? {}
    this.details = options.details ?? []
  }
}
