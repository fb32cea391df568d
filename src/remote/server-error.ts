/**
 * What a registry says about a failure, made safe to print. Pure.
 *
 * Spec: https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#error-codes
 */
export interface ServerError {
  /** `MANIFEST_UNKNOWN`; absent where the body has none. */
  readonly code: string | undefined
  /** As other clients word it: `manifest unknown`, `denied: requested access …`. */
  readonly text: string
}

/** Bytes of an error's body that are read. */
export const MAX_ERROR_BYTES = 8192

const MAX_TEXT = 300

export function parseServerError(body: string): ServerError {
  const [first, ...rest] = errorsOf(body)
  if (first === undefined) return { code: undefined, text: plain(body.trimStart().startsWith('<') ? '' : body) }
  const texts = [first, ...rest.slice(0, 2)].map(textOf)
  return { code: first.code, text: plain([...new Set(texts)].join('; ')) }
}

interface WireError {
  readonly code: string | undefined
  readonly message: string
}

function errorsOf(body: string): WireError[] {
  try {
    const json: unknown = JSON.parse(body)
    if (json === null || typeof json !== 'object') return []
    const { errors, message, details } = json as Record<string, unknown>
    if (Array.isArray(errors)) return errors.slice(0, 8).flatMap(wireError)
    const text = [details, message].find((value) => typeof value === 'string')
    return text === undefined ? [] : [{ code: undefined, message: text }]
  } catch {
    return []
  }
}

function wireError(value: unknown): WireError[] {
  if (value === null || typeof value !== 'object') return []
  const { code, message } = value as Record<string, unknown>
  const known = typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,63}$/.test(code) ? code : undefined
  const text = typeof message === 'string' ? message : ''
  return known === undefined && text === '' ? [] : [{ code: known, message: text }]
}

function textOf({ code, message }: WireError): string {
  const name = code?.toLowerCase().replaceAll('_', ' ') ?? ''
  if (name === '' || message.toLowerCase().includes(name)) return message
  return message === '' ? name : `${name}: ${message}`
}

/** One short line without control characters, which could redraw a terminal. */
export function plain(text: string): string {
  const line = text
    .slice(0, MAX_ERROR_BYTES)
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .trim()
  return line.length > MAX_TEXT ? `${line.slice(0, MAX_TEXT)}…` : line
}
