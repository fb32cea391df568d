/**
 * Takes an OpenPGP message apart into its packets. Pure.
 *
 * Needed beside the OpenPGP library because it skips signatures of version 3, which Red Hat's release signatures up to
 * 2022 are, and because a signed message must hold one text and one signature, nothing else.
 *
 * Spec: https://www.rfc-editor.org/rfc/rfc9580.html#name-packet-syntax
 */
import { inflateRawSync, inflateSync } from 'node:zlib'

interface OpenPgpPacket {
  readonly tag: number
  readonly body: Uint8Array
}

const TAG = { signature: 2, onePassSignature: 4, compressed: 8, literal: 11 } as const
/** Of a message before and after it is decompressed, in bytes: far above any signed payload. */
export const MAX_MESSAGE_SIZE: number = 4 * 1024 * 1024
const MAX_PACKETS = 64

export interface SignedMessageParts {
  readonly literal: Uint8Array
  /** Body of the signature packet; its first byte is its version. */
  readonly signature: Uint8Array
}

/** @throws {Error} for anything but a one-pass-signed message with one signature, compressed or not. */
export function takeApart(message: Uint8Array): SignedMessageParts {
  if (message.length > MAX_MESSAGE_SIZE) throw new Error('the message is too large')
  const outer = readPackets(message)
  const [first] = outer
  const packets = outer.length === 1 && first?.tag === TAG.compressed ? readPackets(decompress(first.body)) : outer
  const [onePass, literal, signature] = packets
  if (
    packets.length !== 3 ||
    onePass?.tag !== TAG.onePassSignature ||
    literal?.tag !== TAG.literal ||
    signature?.tag !== TAG.signature
  ) {
    throw new Error('not a message with one signature')
  }
  return { literal: contentOf(literal.body), signature: signature.body }
}

/** @throws {Error} where the bytes are not a sequence of whole packets. */
function readPackets(bytes: Uint8Array): readonly OpenPgpPacket[] {
  const packets: OpenPgpPacket[] = []
  let offset = 0
  while (offset < bytes.length) {
    if (packets.length >= MAX_PACKETS) throw new Error('the message has too many packets')
    const header = byteAt(bytes, offset)
    if ((header & 0x80) === 0) throw new Error('not an OpenPGP message')
    const isNew = (header & 0x40) !== 0
    const { body, next } = isNew ? readNewBody(bytes, offset + 1) : readOldBody(bytes, offset + 1, header & 3)
    packets.push({ tag: isNew ? header & 0x3f : (header & 0x3c) >> 2, body })
    offset = next
  }
  return packets
}

interface PacketBody {
  readonly body: Uint8Array
  readonly next: number
}

function readOldBody(bytes: Uint8Array, offset: number, lengthType: number): PacketBody {
  if (lengthType === 3) return { body: bytes.subarray(offset), next: bytes.length }
  const width = 1 << lengthType
  return slice(bytes, offset + width, readNumber(bytes, offset, width))
}

/** Large bodies come in parts, each with its length. */
function readNewBody(bytes: Uint8Array, start: number): PacketBody {
  const parts: Uint8Array[] = []
  for (let offset = start; ;) {
    const first = byteAt(bytes, offset)
    const isPartial = first >= 224 && first < 255
    const { body, next } = isPartial
      ? slice(bytes, offset + 1, 1 << (first & 0x1f))
      : readLastPart(bytes, offset, first)
    parts.push(body)
    if (!isPartial) return { body: Buffer.concat(parts), next }
    offset = next
  }
}

function readLastPart(bytes: Uint8Array, offset: number, first: number): PacketBody {
  if (first < 192) return slice(bytes, offset + 1, first)
  if (first < 224) return slice(bytes, offset + 2, ((first - 192) << 8) + byteAt(bytes, offset + 1) + 192)
  return slice(bytes, offset + 5, readNumber(bytes, offset + 1, 4))
}

function decompress(body: Uint8Array): Uint8Array {
  const limits = { maxOutputLength: MAX_MESSAGE_SIZE }
  const algorithm = byteAt(body, 0)
  if (algorithm === 0) return body.subarray(1)
  if (algorithm === 1) return inflateRawSync(body.subarray(1), limits)
  if (algorithm === 2) return inflateSync(body.subarray(1), limits)
  throw new Error('the message is compressed in an unsupported way')
}

/** Before the content stand its format, a file name and a date, which are not signed. */
function contentOf(literal: Uint8Array): Uint8Array {
  const start = 2 + byteAt(literal, 1) + 4
  if (start > literal.length) throw new Error('the message is cut short')
  return literal.subarray(start)
}

function readNumber(bytes: Uint8Array, offset: number, width: number): number {
  let value = 0
  for (let index = 0; index < width; index += 1) value = value * 256 + byteAt(bytes, offset + index)
  return value
}

function byteAt(bytes: Uint8Array, offset: number): number {
  const byte = bytes[offset]
  if (byte === undefined) throw new Error('the message is cut short')
  return byte
}

function slice(bytes: Uint8Array, start: number, length: number): PacketBody {
  if (length < 0 || start + length > bytes.length) throw new Error('the message is cut short')
  return { body: bytes.subarray(start, start + length), next: start + length }
}
