import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MTIME } from '../../test/support/archive-contents.ts'
import { voidName } from './entry-names.ts'
import { parseTarHeader } from './parse-tar-header.ts'
import { checksumOf, tarHeader, tarHeaderLength } from './tar-header.ts'

const text = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 120 })
  .filter((part) => !/[/\p{Cc}]|^\.{1,2}$/u.test(part))
const name = fc.array(text, { minLength: 1, maxLength: 8 }).map((parts) => parts.join('/'))
const size = fc.oneof(fc.nat(), fc.constantFrom(0, 2 ** 33 - 1, 2 ** 33), fc.maxSafeNat())

describe('tarHeader', () => {
  it('is read back as it was written, whatever the name and the size', () => {
    fc.assert(
      fc.property(name, size, (entry, bytes) => {
        const header = tarHeader({ name: entry, size: bytes, mtime: MTIME })

        expect(header).toHaveLength(tarHeaderLength({ name: entry, size: bytes }))
        expect(parseTarHeader(header, Number.MAX_SAFE_INTEGER * 2)).toEqual({
          kind: 'file',
          name: entry,
          size: bytes,
          length: header.length,
        })
      }),
    )
  })

  it('replaces any other header of the same content in place', () => {
    fc.assert(
      fc.property(name, size, fc.nat(500_000), (entry, bytes, position) => {
        const { length } = tarHeader({ name: entry, size: bytes, mtime: MTIME })
        const header = tarHeader({ name: voidName(position), size: bytes, mtime: MTIME }, { length })

        expect(header).toHaveLength(length)
        expect(parseTarHeader(header, Number.MAX_SAFE_INTEGER * 2)).toEqual({
          kind: 'file',
          name: voidName(position),
          size: bytes,
          length,
        })
      }),
    )
  })

  it.each([
    ['a name that fits', 'a'.repeat(100), 0, 512],
    ['a name to cut at a slash', `${'a'.repeat(155)}/${'b'.repeat(100)}`, 0, 512],
    ['a name that no slash cuts well', `${'a'.repeat(156)}/${'b'.repeat(99)}`, 0, 1536],
    ['a name with a long last part', `a/${'b'.repeat(101)}`, 0, 1536],
    ['a name that is not ASCII', 'ä', 0, 1536],
    ['the largest size in octal digits', 'a', 2 ** 33 - 1, 512],
    ['a larger size', 'a', 2 ** 33, 1536],
    ['a long name', 'a/'.repeat(300) + 'a', 0, 2048],
  ])('takes as many blocks as needed for %s', (_, entry, bytes, length) => {
    expect(tarHeaderLength({ name: entry, size: bytes })).toBe(length)
  })

  it('is a plain ustar block, byte for byte', () => {
    const block = tarHeader({ name: 'working-dir/a', size: 10, mtime: MTIME }).toString('latin1')

    expect(block).toBe(
      [
        'working-dir/a'.padEnd(100, '\0'),
        '0000644\0',
        '0000000\0'.repeat(2),
        '00000000012\0',
        '15132416710\0',
        '011634\0 ',
        `0${'\0'.repeat(100)}ustar`,
        '\u000000',
        '\0'.repeat(64),
        '0000000\0'.repeat(2),
        '\0'.repeat(167),
      ].join(''),
    )
  })

  it('sums all bytes up, those of the sum as spaces', () => {
    expect(checksumOf(new Uint8Array(512))).toBe(8 * 32)
    expect(checksumOf(new Uint8Array(512).fill(1))).toBe(504 + 8 * 32)
  })
})
