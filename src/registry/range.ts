/**
 * The two range syntaxes of the distribution spec. Pure.
 *
 * Spec: https://www.rfc-editor.org/rfc/rfc9110#section-14.1.2 for pulls, and
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-a-blob-in-chunks
 */

/** Bytes from `start` up to, not including, `end`. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/**
 * The part of `size` bytes that a `Range` header asks for. The whole where there
 * is none, or one that may be ignored: other units, several ranges, bad syntax.
 *
 * @returns `unsatisfiable` where no byte lies in the range.
 */
export function requestedRange(header: string | undefined, size: number): ByteRange | 'whole' | 'unsatisfiable' {
  const match = /^bytes=(?<first>\d{0,15})-(?<last>\d{0,15})$/.exec(header?.trim() ?? '')
  const [first = '', last = ''] = [match?.groups?.['first'], match?.groups?.['last']]
  if (first === '' && last === '') return 'whole'
  const suffix = first === ''
  const start = suffix ? Math.max(0, size - Number(last)) : Number(first)
  const end = suffix || last === '' ? size : Math.min(Number(last) + 1, size)
  if (!suffix && last !== '' && Number(last) < Number(first)) return 'whole'
  return start < end ? { start, end } : 'unsatisfiable'
}

/** `Content-Range: <first>-<last>` of a chunk; both inclusive, with or without the unit. `undefined` if it is not one. */
export function chunkRange(header: string): ByteRange | undefined {
  const match = /^(?:bytes[= ])?(?<first>\d{1,15})-(?<last>\d{1,15})(?:\/(?:\d{1,15}|\*))?$/.exec(header.trim())
  if (!match) return undefined
  const [start, end] = [Number(match.groups?.['first']), Number(match.groups?.['last']) + 1]
  return start < end ? { start, end } : undefined
}
