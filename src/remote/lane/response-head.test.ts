import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MAX_HEAD_BYTES, parseResponseHead } from './response-head.ts'

const ascii = (...lines: readonly string[]): Buffer => Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')

describe('parseResponseHead', () => {
  it('reads status, headers, length and where the body begins', () => {
    const head = ascii('HTTP/1.1 200 OK', 'Content-Length: 5', 'X-Tag:  a b ', 'X-Tag: c', 'Empty:')

    const result = parseResponseHead(Buffer.concat([head, Buffer.from('hello')]))

    expect(result).toEqual({
      kind: 'head',
      end: head.length,
      head: {
        status: 200,
        headers: { 'content-length': '5', 'x-tag': 'a b, c', empty: '' },
        framing: { kind: 'length', bytes: 5 },
        keepAlive: true,
      },
    })
  })

  it.each([
    [['HTTP/1.1 200 OK', 'content-length: 0'], 'length', true],
    [['HTTP/1.1 200', 'content-length: 0', 'connection: Keep-Alive, Close'], 'length', false],
    [['HTTP/1.0 200 OK', 'content-length: 0'], 'length', false],
    [['HTTP/1.0 200 OK', 'content-length: 0', 'connection: keep-alive'], 'length', true],
    [['HTTP/1.1 200 OK', 'transfer-encoding: chunked'], 'unknown', false],
    [['HTTP/1.1 200 OK'], 'unknown', false],
    [['HTTP/1.1 304 Not Modified'], 'length', true],
    [['HTTP/1.1 100 Continue', '', 'HTTP/1.1 204 No Content'], 'length', true],
  ])('tells the body of %j as %s, keep-alive %s', (lines, framing, keepAlive) => {
    expect(parseResponseHead(ascii(...lines))).toMatchObject({
      kind: 'head',
      head: { framing: { kind: framing }, keepAlive },
    })
  })

  it.each([
    ['another protocol', ['SSH-2.0-OpenSSH_9.2', '']],
    ['a bad version', ['HTTP/2 200 OK']],
    ['a status of four digits', ['HTTP/1.1 2000 OK']],
    ['control characters in the reason', ['HTTP/1.1 200 O\0K']],
    ['a field without a name', ['HTTP/1.1 200 OK', ': x']],
    ['a space before the colon', ['HTTP/1.1 200 OK', 'content-length : 5']],
    ['a folded field', ['HTTP/1.1 200 OK', 'x: a', ' b']],
    ['a bare line feed', ['HTTP/1.1 200 OK', 'x: a\ncontent-length: 5']],
    ['a bare carriage return', ['HTTP/1.1 200 OK', 'x: a\rb']],
    ['a null in a value', ['HTTP/1.1 200 OK', 'x: a\0b']],
    ['two lengths', ['HTTP/1.1 200 OK', 'content-length: 5', 'Content-Length: 5']],
    ['a list of lengths', ['HTTP/1.1 200 OK', 'content-length: 5, 5']],
    ['a negative length', ['HTTP/1.1 200 OK', 'content-length: -1']],
    ['a hexadecimal length', ['HTTP/1.1 200 OK', 'content-length: 0x5']],
    ['a length of twenty digits', ['HTTP/1.1 200 OK', `content-length: ${'9'.repeat(20)}`]],
    ['a length beside a coding', ['HTTP/1.1 200 OK', 'content-length: 5', 'transfer-encoding: chunked']],
    ['two locations', ['HTTP/1.1 307 x', 'location: /a', 'location: /b']],
    ['a switch of protocols', ['HTTP/1.1 101 Switching Protocols']],
    ['interim responses without end', Array.from({ length: 20 }, () => ['HTTP/1.1 103 Early Hints', '']).flat()],
    ['too many fields', ['HTTP/1.1 200 OK', ...Array.from({ length: 300 }, (_, index) => `x-${index}: 1`)]],
    ['a head that is too long', ['HTTP/1.1 200 OK', `x: ${'a'.repeat(MAX_HEAD_BYTES)}`]],
  ])('refuses %s', (_name, lines) => {
    expect(parseResponseHead(ascii(...lines))).toMatchObject({ kind: 'malformed' })
  })

  it('refuses an endless head before it ends', () => {
    expect(parseResponseHead(Buffer.alloc(MAX_HEAD_BYTES, 'HTTP/1.1 200 '))).toMatchObject({ kind: 'malformed' })
  })

  it('keeps names of the object prototype as plain fields', () => {
    const result = parseResponseHead(ascii('HTTP/1.1 200 OK', '__proto__: x', 'constructor: y'))

    expect(result).toMatchObject({ kind: 'head', head: { headers: { constructor: 'y' } } })
    expect(result.kind === 'head' && Object.keys(result.head.headers)).toEqual(['__proto__', 'constructor'])
  })

  it('says the same of a head however it arrives', () => {
    const bytes = ascii('HTTP/1.1 103 Early', 'link: x', '', 'HTTP/1.1 206 Partial', 'content-length: 3', 'a: b')
    fc.assert(
      fc.property(fc.nat({ max: bytes.length - 1 }), (cut) => {
        expect(parseResponseHead(bytes.subarray(0, cut))).toEqual({ kind: 'incomplete' })
      }),
    )
    expect(parseResponseHead(bytes)).toMatchObject({ kind: 'head', end: bytes.length })
  })

  it('answers any bytes with one of its results', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 512 }), (bytes) => {
        const text = Buffer.concat([Buffer.from('HTTP/1.1 200 OK\r\n'), bytes, Buffer.from('\r\n\r\n')])
        expect(['head', 'malformed']).toContain(parseResponseHead(text).kind)
      }),
    )
  })
})
