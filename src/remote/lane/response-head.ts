/**
 * Reads the head of an HTTP/1.1 response, strictly. Pure.
 *
 * What two readers could understand differently is refused, never repaired: bare
 * line feeds, folded lines, repeated lengths, a length beside a transfer coding.
 *
 * Spec: https://www.rfc-editor.org/rfc/rfc9112.html
 */
export interface ResponseHead {
  readonly status: number
  /** Names in lower case; repeated fields are joined by ", ". */
  readonly headers: Readonly<Record<string, string>>
  readonly framing: BodyFraming
  /** Whether the connection can serve another request after the body. */
  readonly keepAlive: boolean
}

type BodyFraming =
  | { readonly kind: 'length'; readonly bytes: number }
  /** Chunked, or until the connection closes. */
  | { readonly kind: 'unknown' }

export type HeadResult =
  | { readonly kind: 'incomplete' }
  | {
      readonly kind: 'head'
      readonly head: ResponseHead
      /** Offset of the first byte of the body. */ readonly end: number
    }
  | { readonly kind: 'malformed'; readonly reason: string }

/** Bytes of a head, interim responses included. */
export const MAX_HEAD_BYTES: number = 64 * 1024
const MAX_FIELDS = 256
const MAX_INTERIM = 8

const STATUS_LINE = /^HTTP\/1\.(?<minor>[01]) (?<status>[1-5][0-9]{2})(?: [\t\x20-\x7e\x80-\xff]*)?$/
const FIELD = /^(?<name>[!#$%&'*+.^_`|~0-9A-Za-z-]+):(?<value>[\t\x20-\x7e\x80-\xff]*)$/
/** Fields of which two would leave the choice to the reader. */
const SINGLE = new Set(['content-length', 'transfer-encoding', 'content-range', 'content-encoding', 'location'])

/** Parses the head at the start of `bytes`; call again with more bytes while it is `incomplete`. */
export function parseResponseHead(bytes: Buffer): HeadResult {
  let start = 0
  for (let interim = 0; interim <= MAX_INTERIM; interim += 1) {
    const end = bytes.indexOf('\r\n\r\n', start, 'latin1')
    if (end < 0 || end + 4 > MAX_HEAD_BYTES) {
      if (end >= 0 || bytes.length >= MAX_HEAD_BYTES) return malformed(`a head of more than ${MAX_HEAD_BYTES} bytes`)
      return bytes.length - start > 4 && bytes.toString('latin1', start, start + 5) !== 'HTTP/'
        ? malformed('no HTTP response')
        : { kind: 'incomplete' }
    }
    const result = parseLines(bytes.toString('latin1', start, end).split('\r\n'))
    if ('reason' in result) return result
    if (result.status >= 200) return { kind: 'head', head: result, end: end + 4 }
    if (result.status === 101) return malformed('a switch of protocols')
    start = end + 4
  }
  return malformed('too many interim responses')
}

type Malformed = Extract<HeadResult, { kind: 'malformed' }>

function parseLines([first = '', ...lines]: readonly string[]): ResponseHead | Malformed {
  const line = STATUS_LINE.exec(first)
  if (line === null) return malformed('a bad status line')
  if (lines.length > MAX_FIELDS) return malformed(`more than ${MAX_FIELDS} header fields`)
  const status = Number(line.groups?.['status'])
  const headers: Record<string, string> = Object.create(null) as Record<string, string>
  for (const text of lines) {
    const field = FIELD.exec(text)
    if (field === null) return malformed('a bad header field')
    const name = (field.groups?.['name'] ?? '').toLowerCase()
    const value = (field.groups?.['value'] ?? '').trim()
    const earlier = headers[name]
    if (earlier !== undefined && SINGLE.has(name)) return malformed(`two fields "${name}"`)
    headers[name] = earlier === undefined ? value : `${earlier}, ${value}`
  }
  const framing = framingOf(status, headers)
  if (framing.kind === 'malformed') return framing
  const connection = (headers['connection'] ?? '').toLowerCase().split(/[ \t]*,[ \t]*/)
  const keepAlive = line.groups?.['minor'] === '1' ? !connection.includes('close') : connection.includes('keep-alive')
  return { status, headers, framing, keepAlive: keepAlive && framing.kind === 'length' }
}

function framingOf(status: number, headers: Readonly<Record<string, string>>): BodyFraming | Malformed {
  const length = headers['content-length']
  if (headers['transfer-encoding'] !== undefined) {
    return length === undefined ? { kind: 'unknown' } : malformed('a length beside a transfer coding')
  }
  if (length !== undefined && !/^[0-9]{1,15}$/.test(length)) return malformed('a bad content-length')
  if (status < 200 || status === 204 || status === 304) return { kind: 'length', bytes: 0 }
  return length === undefined ? { kind: 'unknown' } : { kind: 'length', bytes: Number(length) }
}

function malformed(reason: string): Malformed {
  return { kind: 'malformed', reason }
}
