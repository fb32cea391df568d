/**
 * Reads one tar header that anybody may have written. Pure, bounded, strict.
 *
 * Knows ustar, the PAX records `path` and `size`, and GNU's long names: what Go,
 * GNU tar and {@link tarHeader} write. Everything that is not a file or a
 * directory is refused, as are names that lead elsewhere.
 *
 * Format: https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html#tag_20_94_13_06
 */
import { AirliftError } from '../base/errors.ts'
import { isSafeName } from './entry-names.ts'
import { BLOCK_BYTES, checksumOf, END_BYTES, paddedSize } from './tar-header.ts'

/** Most bytes of a PAX header or a long name. */
const MAX_EXTENSION_BYTES = 16 * 1024
/** Most bytes that {@link parseTarHeader} asks for: a long name or PAX header, and the entry's own block. */
export const MAX_HEADER_BYTES: number = MAX_EXTENSION_BYTES + 2 * BLOCK_BYTES

export type TarStep =
  | {
      readonly kind: 'file' | 'directory'
      /** Without a slash at its end. */
      readonly name: string
      readonly size: number
      /** Bytes of the header: the content begins after so many. */
      readonly length: number
    }
  /** `bytes` end too early: call again with so many, from the same place. */
  | { readonly kind: 'more'; readonly bytes: number }
  /** The two blocks of zeros. */
  | { readonly kind: 'end' }

/** What blocks before an entry's own say about it. */
interface Extension {
  readonly path?: string
  readonly size?: number
}

/**
 * @param bytes From the first byte of a header on.
 * @param remaining Bytes of the volume from there to its end.
 * @throws {AirliftError} `ARCHIVE_INVALID`, or `ARCHIVE_INCOMPLETE` where the volume ends before the entry does.
 */
export function parseTarHeader(bytes: Uint8Array, remaining: number): TarStep {
  if (remaining < END_BYTES) throw cutOff('the volume ends without the blocks that end a tar')
  if (bytes.length < BLOCK_BYTES) return { kind: 'more', bytes: BLOCK_BYTES }
  const first = bytes.subarray(0, BLOCK_BYTES)
  if (isZero(first)) return readEnd(bytes)
  const type = readBlock(first)
  if (type !== 'x' && type !== 'L') return readEntry(first, { extension: {}, at: 0, remaining })

  const length = readSize(first)
  if (length === 0 || length > MAX_EXTENSION_BYTES) throw invalid(`a header of ${length} bytes before an entry's own`)
  const at = BLOCK_BYTES + paddedSize(length)
  if (remaining < at + BLOCK_BYTES) throw cutOff('the volume ends in a header')
  if (bytes.length < at + BLOCK_BYTES) return { kind: 'more', bytes: at + BLOCK_BYTES }
  const data = bytes.subarray(BLOCK_BYTES, BLOCK_BYTES + length)
  const extension = type === 'x' ? readRecords(data) : { path: text(data) }
  const own = bytes.subarray(at, at + BLOCK_BYTES)
  const ownType = readBlock(own)
  if (ownType === 'x' || ownType === 'L') throw invalid('an entry with two headers before its own')
  return readEntry(own, { extension, at, remaining })
}

function readEnd(bytes: Uint8Array): TarStep {
  if (bytes.length < END_BYTES) return { kind: 'more', bytes: END_BYTES }
  if (!isZero(bytes.subarray(BLOCK_BYTES, END_BYTES))) throw invalid('a block of zeros between entries')
  return { kind: 'end' }
}

function readEntry(
  block: Uint8Array,
  { extension, at, remaining }: { readonly extension: Extension; readonly at: number; readonly remaining: number },
): TarStep {
  const type = readBlock(block)
  const written = extension.path ?? ownName(block)
  const kind = kindOf(type, written)
  const name = kind === 'directory' ? written.replace(/\/$/, '') : written
  if (!isSafeName(name)) throw invalid(`the entry name ${quoted(name)} leads out of the archive`)
  const size = extension.size ?? readSize(block)
  const length = at + BLOCK_BYTES
  if (kind === 'directory' && size > 0) throw invalid(`the directory ${quoted(name)} has content`)
  if (size > remaining - length) {
    throw cutOff(`${quoted(name)} should have ${size} bytes, and the volume has ${remaining - length} after its header`)
  }
  return { kind, name, size, length }
}

const REFUSED: Readonly<Record<string, string>> = {
  '1': 'a link',
  '2': 'a symbolic link',
  '3': 'a device',
  '4': 'a device',
  '6': 'a pipe',
  K: 'a link',
  S: 'a sparse file',
  g: 'a global header',
}

function kindOf(type: string, name: string): 'file' | 'directory' {
  if (type === '0' || type === '\0') return 'file'
  if (type === '5') return 'directory'
  throw invalid(`${quoted(name)} is ${REFUSED[type] ?? `an entry of type ${quoted(type)}`}, which no archive has`)
}

/** The type of a block that is a header, unharmed. */
function readBlock(block: Uint8Array): string {
  const magic = latin1(block.subarray(257, 265))
  if (magic !== 'ustar\u000000' && magic !== 'ustar  \0') throw invalid('not a tar header')
  if (readOctal(block.subarray(148, 156)) !== checksumOf(block)) throw invalid('a damaged tar header')
  return String.fromCharCode(block[156] ?? 0)
}

function ownName(block: Uint8Array): string {
  const name = text(untilNul(block.subarray(0, 100)))
  const isUstar = block[262] === 0
  const prefix = isUstar ? text(untilNul(block.subarray(345, 500))) : ''
  return prefix === '' ? name : `${prefix}/${name}`
}

function readSize(block: Uint8Array): number {
  const field = block.subarray(124, 136)
  const size = (field[0] ?? 0) === 0x80 ? readBinary(field.subarray(1)) : readOctal(field)
  if (size === undefined || !Number.isSafeInteger(size)) throw invalid('a size that is not a number')
  return size
}

function readOctal(field: Uint8Array): number | undefined {
  const match = /^ *(?<digits>[0-7]+)[ \0]*$/.exec(latin1(field))
  return match?.groups === undefined ? undefined : Number.parseInt(match.groups['digits'] ?? '', 8)
}

/** GNU's form for sizes from 8 GiB on. */
function readBinary(field: Uint8Array): number {
  return field.reduce((value, byte) => value * 256 + byte, 0)
}

function readRecords(data: Uint8Array): Extension {
  const seen = new Map<string, string>()
  for (let at = 0; at < data.length;) {
    const space = data.indexOf(0x20, at)
    const digits = space < 0 ? '' : latin1(data.subarray(at, Math.min(space, at + 8)))
    const length = /^[1-9]\d{0,5}$/.test(digits) ? Number(digits) : 0
    const end = at + length
    if (end <= space + 1 || end > data.length || data[end - 1] !== 0x0a) throw invalid('a PAX header that is none')
    const record = text(data.subarray(space + 1, end - 1))
    const equals = record.indexOf('=')
    const key = record.slice(0, Math.max(equals, 0))
    if (key === '' || seen.has(key)) throw invalid(`a PAX header with two values of ${quoted(key)}`)
    if (key === 'linkpath' || key.startsWith('GNU.sparse.')) throw invalid(`a PAX header with ${quoted(key)}`)
    seen.set(key, record.slice(equals + 1))
    at = end
  }
  const [path, size] = [seen.get('path'), seen.get('size')]
  if (size !== undefined && !(/^\d{1,16}$/.test(size) && Number.isSafeInteger(Number(size)))) {
    throw invalid('a size that is not a number')
  }
  return { ...(path !== undefined && { path }), ...(size !== undefined && { size: Number(size) }) }
}

function isZero(block: Uint8Array): boolean {
  return block.every((byte) => byte === 0)
}

function untilNul(field: Uint8Array): Uint8Array {
  const end = field.indexOf(0)
  return end < 0 ? field : field.subarray(0, end)
}

/** GNU ends a long name with a NUL, PAX does not. */
function text(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
      bytes.at(-1) === 0 ? bytes.subarray(0, -1) : bytes,
    )
  } catch (error) {
    throw new AirliftError('ARCHIVE_INVALID', 'a tar header with a name that is not UTF-8', { cause: error })
  }
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
}

function quoted(name: string): string {
  return JSON.stringify(name.slice(0, 300))
}

function invalid(what: string): AirliftError {
  return new AirliftError('ARCHIVE_INVALID', what)
}

function cutOff(what: string): AirliftError {
  return new AirliftError('ARCHIVE_INCOMPLETE', what, {
    hint: 'copy the volume again, or wait until its copy has ended',
  })
}
