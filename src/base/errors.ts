/**
 * Errors an operator can act on.
 *
 * Throw {@link AirliftError} when input, the network, the disk or a peer is at
 * fault: the CLI prints one line and the hint. Throw a plain `Error` for our own
 * bugs: the CLI prints a stack and asks for a report.
 */
import { redact } from './redact.ts'

/** Stable identifiers; `docs/errors.md` has one section for each, and a test checks that. */
export const ERROR_CODES = [
  'ARCHIVE_BUSY',
  'ARCHIVE_DAMAGED',
  'ARCHIVE_INCOMPLETE',
  'ARCHIVE_INVALID',
  'AUTH_FILE_INVALID',
  'AUTH_REQUIRED',
  'BLOB_UNKNOWN',
  'BLOB_UPLOAD_INVALID',
  'CERTIFICATE_INVALID',
  'CONFIG_INVALID',
  'CONFIG_UNREADABLE',
  'CREDENTIAL_HELPER_FAILED',
  'DIGEST_INVALID',
  'DIGEST_MISMATCH',
  'DISK_FAILED',
  'DISK_FULL',
  'FLAG_INVALID',
  'INDEX_SPARSE',
  'LAYOUT_INVALID',
  'MANIFEST_INVALID',
  'MANIFEST_TOO_LARGE',
  'MANIFEST_UNKNOWN',
  'MANIFEST_UNSUPPORTED',
  'NAME_INVALID',
  'NOTHING_TO_MIRROR',
  'PLATFORM_ABSENT',
  'POLICY_INVALID',
  'POLICY_REJECTED',
  'REFERENCE_INVALID',
  'REGISTRIES_CONF_INVALID',
  'REGISTRY_BLOCKED',
  'REGISTRY_FAILED',
  'REGISTRY_REFUSED',
  'REGISTRY_UNREACHABLE',
  'REGISTRY_UNSUPPORTED',
  'SIZE_MISMATCH',
  'TIMEOUT',
  'UNSUPPORTED',
  'VOLUME_EXISTS',
  'VOLUME_TOO_SMALL',
] as const
export type ErrorCode = (typeof ERROR_CODES)[number]

export interface AirliftErrorOptions {
  /** The failure being wrapped. Pass it every time there is one. */
  readonly cause?: unknown
  /** What to do next: imperative, one sentence, safe to paste. */
  readonly hint?: string
  /** Context for logs and `--output json`. Never a credential or a full URL. */
  readonly details?: Readonly<Record<string, string | number>>
}

/** `message` and `hint` are redacted here, so no caller can leak a credential by mistake. */
export class AirliftError extends Error {
  override readonly name: string = 'AirliftError'
  readonly code: ErrorCode
  readonly hint: string | undefined
  readonly details: Readonly<Record<string, string | number>>

  constructor(code: ErrorCode, message: string, options: AirliftErrorOptions = {}) {
    super(redact(message), 'cause' in options ? { cause: options.cause } : undefined)
    this.code = code
    this.hint = options.hint === undefined ? undefined : redact(options.hint)
    this.details = options.details ?? {}
  }
}

export function isAirliftError(error: unknown): error is AirliftError {
  return error instanceof AirliftError
}

/** True for an {@link AirliftError} with one of `codes`. */
export function hasCode(error: unknown, ...codes: readonly ErrorCode[]): error is AirliftError {
  return isAirliftError(error) && codes.includes(error.code)
}

/** True for a system error such as `ENOENT`, from Node's own modules. */
export function isSystemError(error: unknown, ...codes: readonly string[]): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && codes.includes(error.code)
}

/** The message of whatever was thrown, with the first cause that adds something. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return redact(String(error))
  // Node.js tells whoever writes a program how to start it; that is no help to those who use one.
  const own = error.message.replace(/; if the root CA is installed locally, try running Node\.js with .*$/, '')
  const { cause } = error
  const inner =
    cause instanceof Error && cause.message !== '' && !error.message.includes(cause.message) ? messageOf(cause) : ''
  return redact(inner === '' ? own : `${own}: ${inner}`)
}
