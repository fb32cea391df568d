import { execFile } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { tempDir } from '../../test/support/temp-dir.ts'
import { isAirliftError } from '../base/errors.ts'
import { MAX_HEADER_BYTES, parseTarHeader } from './parse-tar-header.ts'
import { checksumOf, tarHeader } from './tar-header.ts'

const PLENTY = 2 ** 40

interface Patch {
  readonly name?: string
  readonly size?: string | Buffer
  readonly type?: string
  readonly magic?: string
  readonly prefix?: string
}

/** A header block with fields that {@link tarHeader} never writes. */
function block({ name = 'a', size = '00000000000', type = '0', magic = 'ustar\u000000', prefix = '' }: Patch): Buffer {
  const bytes = tarHeader({ name: 'a', size: 0, mtime: 0 })
  bytes.fill(0, 0, 100).write(name, 0)
  bytes.fill(0, 124, 136).set(typeof size === 'string' ? Buffer.from(size) : size, 124)
  bytes.write(type, 156, 'latin1')
  bytes.write(magic, 257, 'latin1')
  bytes.write(prefix, 345)
  bytes.write(`${checksumOf(bytes).toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return bytes
}

/** A header before an entry's own, and its data in whole blocks. */
function extended(type: 'x' | 'L', data: string | Buffer): Buffer {
  const bytes = Buffer.from(data)
  const padded = Buffer.alloc(Math.ceil(bytes.length / 512) * 512)
  bytes.copy(padded)
  return Buffer.concat([block({ type, size: bytes.length.toString(8).padStart(11, '0') }), padded])
}

function record(key: string, value: string): string {
  const rest = Buffer.byteLength(` ${key}=${value}\n`)
  const length = rest + String(rest + 2).length
  return `${length} ${key}=${value}\n`
}

const refused = (what: string): unknown =>
  expect.objectContaining({ code: 'ARCHIVE_INVALID', message: expect.stringContaining(what) })

describe('parseTarHeader', () => {
  it.each([
    ['a file', block({ name: 'working-dir/a' }), { kind: 'file', name: 'working-dir/a', size: 0, length: 512 }],
    ['a file of old', block({ type: '\0' }), { kind: 'file', name: 'a' }],
    ['a prefix', block({ prefix: 'working-dir' }), { name: 'working-dir/a' }],
    ['a directory', block({ name: 'working-dir/', type: '5' }), { kind: 'directory', name: 'working-dir' }],
    ['an octal size with spaces', block({ size: '       17 \0' }), { size: 15 }],
    [
      'a binary size, as GNU tar writes it',
      block({ size: Buffer.from([0x80, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 1]), magic: 'ustar  \0' }),
      { size: 2 ** 33 + 1 },
    ],
    [
      'a long name, as GNU tar writes it',
      Buffer.concat([extended('L', `${'n'.repeat(700)}\0`), block({ magic: 'ustar  \0' })]),
      { name: 'n'.repeat(700), length: 512 + 1024 + 512 },
    ],
    [
      'PAX records, and others that say nothing here',
      Buffer.concat([
        extended('x', record('mtime', '1.5') + record('path', 'working-dir/ü') + record('size', String(2 ** 34))),
        block({}),
      ]),
      { name: 'working-dir/ü', size: 2 ** 34, length: 1536 },
    ],
    ['the end', Buffer.alloc(1024), { kind: 'end' }],
  ])('reads %s', (_, bytes, expected) => {
    expect(parseTarHeader(bytes, PLENTY)).toMatchObject(expected)
  })

  it.each([
    ['an absolute name', block({ name: '/etc/passwd' }), 'leads out'],
    ['a name that leads up', block({ name: 'working-dir/../../x' }), 'leads out'],
    ['a name that leads up in its prefix', block({ prefix: '..' }), 'leads out'],
    ['a name with a control character', block({ name: 'a\u001bb' }), 'leads out'],
    ['a name with a NUL in PAX', Buffer.concat([extended('x', record('path', 'a\0b')), block({})]), 'leads out'],
    ['an empty name', block({ name: '' }), 'leads out'],
    ['a file with the name of a directory', block({ name: 'a/' }), 'leads out'],
    ['a name that is not UTF-8', Buffer.concat([extended('L', Buffer.from([0x61, 0xff])), block({})]), 'not UTF-8'],
    ['a link', block({ type: '1' }), 'a link'],
    ['a symbolic link', block({ type: '2' }), 'a symbolic link'],
    ['a device', block({ type: '3' }), 'a device'],
    ['a pipe', block({ type: '6' }), 'a pipe'],
    ['a sparse file', block({ type: 'S' }), 'a sparse file'],
    ['a global header', block({ type: 'g' }), 'a global header'],
    ['a long link', block({ type: 'K' }), 'a link'],
    ['a type of tomorrow', block({ type: 'Z' }), 'type "Z"'],
    ['a directory with content', block({ type: '5', size: '00000000001' }), 'has content'],
    ['a size that is no number', block({ size: '0000000000x' }), 'not a number'],
    ['a size below zero', block({ size: '-0000000001' }), 'not a number'],
    ['an empty size', block({ size: '' }), 'not a number'],
    [
      'a binary size beyond all numbers',
      block({ size: Buffer.from([0x80, ...Array<number>(11).fill(0xff)]) }),
      'not a number',
    ],
    [
      'a PAX size beyond all numbers',
      Buffer.concat([extended('x', record('size', '9'.repeat(16))), block({})]),
      'not a number',
    ],
    ['a PAX size below zero', Buffer.concat([extended('x', record('size', '-1')), block({})]), 'not a number'],
    [
      'two values of a PAX record',
      Buffer.concat([extended('x', record('path', 'a') + record('path', 'b')), block({})]),
      '"path"',
    ],
    ['a PAX link', Buffer.concat([extended('x', record('linkpath', 'a')), block({})]), '"linkpath"'],
    ['a PAX record with a wrong length', Buffer.concat([extended('x', '99 path=a\n'), block({})]), 'none'],
    ['a PAX record without a length', Buffer.concat([extended('x', ' path=a\n'), block({})]), 'none'],
    ['a PAX record that ends in itself', Buffer.concat([extended('x', '2 path=a\n'), block({})]), 'none'],
    [
      'two PAX headers',
      Buffer.concat([extended('x', record('path', 'a')), extended('x', record('path', 'b'))]),
      'two headers',
    ],
    [
      'a PAX header and a long name',
      Buffer.concat([extended('x', record('path', 'a')), extended('L', 'b')]),
      'two headers',
    ],
    ['a PAX header that is too long', block({ type: 'x', size: '00000100000' }), 'bytes before'],
    ['an empty PAX header', block({ type: 'x' }), 'bytes before'],
    ['a wrong sum', Buffer.from(block({})).fill('b', 0, 1), 'damaged'],
    ['no tar', Buffer.from('{"mediaType":"'.padEnd(512)), 'not a tar header'],
    ['a block of zeros before an entry', Buffer.concat([Buffer.alloc(512), block({})]), 'zeros'],
  ])('refuses %s', (_, bytes, what) => {
    expect(() => parseTarHeader(bytes, PLENTY)).toThrow(refused(what))
  })

  it.each([
    ['content', block({ size: '00000001001' }), 512 + 512],
    ['a PAX header', extended('x', record('path', 'a')), 1024],
    ['the last blocks', Buffer.alloc(512), 512],
    ['nothing at all', Buffer.alloc(0), 0],
  ])('says that the volume ends before %s does', (_, bytes, remaining) => {
    expect(() => parseTarHeader(bytes, remaining)).toThrow(
      expect.objectContaining({ code: 'ARCHIVE_INCOMPLETE', hint: expect.stringContaining('again') }),
    )
  })

  it('asks for no more than it needs, until it has all', () => {
    const whole = tarHeader({ name: 'n'.repeat(1000), size: 9 * 2 ** 30, mtime: 0 })
    const asked: number[] = []
    let step = parseTarHeader(whole.subarray(0, 0), PLENTY)
    while (step.kind === 'more') {
      asked.push(step.bytes)
      step = parseTarHeader(whole.subarray(0, step.bytes), PLENTY)
    }

    expect(step).toMatchObject({ kind: 'file', length: whole.length })
    expect(asked).toEqual([512, whole.length])
    expect(parseTarHeader(Buffer.alloc(512), PLENTY)).toEqual({ kind: 'more', bytes: 1024 })
  })

  it('answers any bytes with a step or an AirliftError', () => {
    const anyBlocks = fc.uint8Array({ maxLength: 2048 })
    const almost = fc
      .tuple(fc.nat(2047), fc.nat(255), fc.string({ minLength: 1, maxLength: 300 }), fc.boolean())
      .map(([at, byte, name, isFixed]) => {
        const bytes = tarHeader({ name, size: 2 ** 34, mtime: 0 })
        bytes[at % bytes.length] = byte
        // So that what stands behind the sum is looked at too.
        for (const start of isFixed ? [0, bytes.length - 512] : []) {
          const own = bytes.subarray(start, start + 512)
          own.write(`${checksumOf(own).toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
        }
        return bytes
      })
    fc.assert(
      fc.property(fc.oneof(anyBlocks, almost), fc.nat(5000), (bytes, remaining) => {
        try {
          const step = parseTarHeader(bytes, remaining)
          if (step.kind === 'more') expect(step.bytes).toBeLessThanOrEqual(MAX_HEADER_BYTES)
          if (step.kind === 'file') expect(step.length + step.size).toBeLessThanOrEqual(remaining)
        } catch (error) {
          expect(isAirliftError(error)).toBe(true)
        }
      }),
      { numRuns: 2000 },
    )
  })

  it.each(['gnu', 'posix', 'ustar'])('reads what tar of the system writes as %s', async (format) => {
    await using dir = await tempDir()
    const names = ['working-dir/a', `working-dir/${'d'.repeat(90)}/${'n'.repeat(90)}`]
    for (const name of names) {
      await mkdir(dirname(dir.join(name)), { recursive: true })
      await writeFile(dir.join(name), name)
    }
    await promisify(execFile)('tar', [`--format=${format}`, '-C', dir.path, '-cf', dir.join('all.tar'), ...names])
    const bytes = await readFile(dir.join('all.tar'))

    const found: string[] = []
    for (let at = 0; ;) {
      const step = parseTarHeader(bytes.subarray(at), bytes.length - at)
      if (step.kind === 'more') throw new Error('all bytes are there')
      if (step.kind === 'end') break
      found.push(step.name)
      expect(bytes.subarray(at + step.length, at + step.length + step.size).toString()).toBe(step.name)
      at += step.length + Math.ceil(step.size / 512) * 512
    }

    expect(found).toEqual(names)
  })
})
