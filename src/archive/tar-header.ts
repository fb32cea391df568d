/**
 * Writes the header of one tar entry: ustar where the name and the size fit,
 * PAX where they do not. Pure.
 *
 * All that is not the name or the size is fixed, so equal entries have equal bytes.
 *
 * Format: https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html#tag_20_94_13_06
 */

export const BLOCK_BYTES = 512
/** Two blocks of zeros end a volume. */
export const END_BYTES: number = 2 * BLOCK_BYTES
/** Largest that eleven octal digits say: 8 GiB less one. */
const MAX_USTAR_SIZE = 0o777_7777_7777
/** Name of the block that holds a PAX header; readers never show it. */
const PAX_NAME = 'airlift/pax'

export interface TarFields {
  readonly name: string
  readonly size: number
  /** Seconds since 1970. */
  readonly mtime: number
}

/** Bytes of content with what fills its last block. */
export function paddedSize(size: number): number {
  return Math.ceil(size / BLOCK_BYTES) * BLOCK_BYTES
}

/** Bytes before the content: 512, or from 1536 on with a PAX header. */
export function tarHeaderLength({ name, size }: Pick<TarFields, 'name' | 'size'>): number {
  if (splitName(name) !== undefined && size <= MAX_USTAR_SIZE) return BLOCK_BYTES
  return 2 * BLOCK_BYTES + paddedSize(paxRecords({ name, size }).length)
}

/**
 * @param options.length Bytes that the header must take, to replace another one in place: a PAX header is added and
 *   filled up as needed.
 */
export function tarHeader(fields: TarFields, options: { readonly length?: number } = {}): Buffer {
  const natural = tarHeaderLength(fields)
  const length = options.length ?? natural
  if (length < natural) throw new Error(`a header of ${natural} bytes does not fit into ${length}`)
  if (length === BLOCK_BYTES) return ustarBlock(fields, '0')
  const records = fillRecords(paxRecords(fields), length - 2 * BLOCK_BYTES)
  const result = Buffer.alloc(length)
  ustarBlock({ ...fields, name: PAX_NAME, size: records.length }, 'x').copy(result)
  records.copy(result, BLOCK_BYTES)
  ustarBlock(fields, '0').copy(result, length - BLOCK_BYTES)
  return result
}

/** Where a name is cut at a slash: `prefix` at most 155 bytes, `name` at most 100. */
function splitName(name: string): { readonly prefix: string; readonly name: string } | undefined {
  if (!/^[\x20-\x7e]*$/.test(name)) return undefined
  if (name.length <= 100) return { prefix: '', name }
  const slash = name.lastIndexOf('/', 155)
  const rest = name.slice(slash + 1)
  return slash > 0 && rest.length > 0 && rest.length <= 100 ? { prefix: name.slice(0, slash), name: rest } : undefined
}

function paxRecords({ name, size }: Pick<TarFields, 'name' | 'size'>): Buffer {
  return Buffer.from(paxRecord('path', name) + (size > MAX_USTAR_SIZE ? paxRecord('size', String(size)) : ''))
}

/** `18 path=some/name\n`: the number counts its own digits too. */
function paxRecord(key: string, value: string): string {
  const rest = Buffer.byteLength(` ${key}=${value}\n`)
  const digits = String(rest + String(rest).length).length
  return `${rest + digits} ${key}=${value}\n`
}

/** Adds a comment where `records` leave a whole block of `bytes` unused. */
function fillRecords(records: Buffer, bytes: number): Buffer {
  const free = bytes - records.length
  if (free < BLOCK_BYTES) return records
  const start = `${free} comment=`
  return Buffer.concat([records, Buffer.from(`${start.padEnd(free - 1)}\n`)])
}

function ustarBlock({ name, size, mtime }: TarFields, type: '0' | 'x'): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES)
  // With a PAX header, what stands here is for readers that know none.
  const split = splitName(name) ?? { prefix: '', name: name.replaceAll(/[^\x20-\x7e]/g, '_').slice(-100) }
  block.write(split.name, 0, 'latin1')
  octal(block, 100, { digits: 7, value: 0o644 })
  octal(block, 108, { digits: 7, value: 0 })
  octal(block, 116, { digits: 7, value: 0 })
  octal(block, 124, { digits: 11, value: size > MAX_USTAR_SIZE ? 0 : size })
  octal(block, 136, { digits: 11, value: mtime })
  block.write(type, 156, 'latin1')
  block.write('ustar\u000000', 257, 'latin1')
  octal(block, 329, { digits: 7, value: 0 })
  octal(block, 337, { digits: 7, value: 0 })
  block.write(split.prefix, 345, 'latin1')
  block.write(`${checksumOf(block).toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return block
}

/** Sum of all bytes of a header block, those of the sum itself taken as spaces. */
export function checksumOf(block: Uint8Array): number {
  let sum = 8 * 0x20
  for (let at = 0; at < BLOCK_BYTES; at++) if (at < 148 || at >= 156) sum += block[at] ?? 0
  return sum
}

function octal(
  block: Buffer,
  at: number,
  { digits, value }: { readonly digits: number; readonly value: number },
): void {
  block.write(value.toString(8).padStart(digits, '0'), at, 'latin1')
}
