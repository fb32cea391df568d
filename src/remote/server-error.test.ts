import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseServerError, plain } from './server-error.ts'

const errors = (...list: readonly unknown[]): string => JSON.stringify({ errors: list })

describe('parseServerError', () => {
  it.each([
    [
      errors({ code: 'MANIFEST_UNKNOWN', message: 'manifest unknown', detail: {} }),
      'MANIFEST_UNKNOWN',
      'manifest unknown',
    ],
    [errors({ code: 'MANIFEST_UNKNOWN' }), 'MANIFEST_UNKNOWN', 'manifest unknown'],
    [
      errors({ code: 'DENIED', message: 'requested access is refused' }),
      'DENIED',
      'denied: requested access is refused',
    ],
    [errors({ code: 'DENIED', message: 'a' }, { code: 'DENIED', message: 'a' }), 'DENIED', 'denied: a'],
    [errors({ code: 17, message: 'odd' }), undefined, 'odd'],
    [errors(null, 7), undefined, errors(null, 7)],
    ['{"details":"incorrect username or password"}', undefined, 'incorrect username or password'],
    ['<html>Bad Gateway</html>', undefined, ''],
    ['404 page not found\n', undefined, '404 page not found'],
    ['', undefined, ''],
  ])('reads %s', (body, code, text) => {
    expect(parseServerError(body)).toEqual({ code, text })
  })

  it('answers anything with one short line without control characters', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        for (const body of [text, errors({ code: 'UNKNOWN', message: text })]) {
          expect(parseServerError(body).text).toMatch(/^[^\p{Cc}\p{Cf}]{0,301}$/u)
        }
      }),
    )
    expect(plain('x'.repeat(10_000))).toHaveLength(301)
  })
})
