import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseStrictJson } from './strict-json.ts'

describe('parseStrictJson', () => {
  it.each([
    ['{"a": 1, "a": 2}', '"a"'],
    ['{"a": {"b": [{"c": 1, "d": {}, "c": 2}]}}', '"c"'],
    [String.raw`{"a": 1, "\u0061": 2}`, String.raw`"\u0061"`],
    ['{"__proto__": 1, "__proto__": 2}', '"__proto__"'],
  ])('refuses %s', (text, key) => {
    expect(() => parseStrictJson(text)).toThrow(new SyntaxError(`duplicate key ${key}`))
  })

  it.each([
    ['{"a": {"a": {"a": []}}, "b": {"a": 1}}'],
    ['[{"a": 1}, {"a": 2}]'],
    ['["a", "a"]'],
    ['{"a": "a:", "b": "a"}'],
  ])('takes %s', (text) => {
    expect(parseStrictJson(text)).toEqual(JSON.parse(text))
  })

  it('reads whatever has no duplicates as JSON.parse does', () => {
    fc.assert(
      fc.property(fc.json({ stringUnit: 'binary' }), fc.nat(4), (text, indent) => {
        const value: unknown = JSON.parse(text)
        expect(parseStrictJson(JSON.stringify(value, undefined, indent))).toEqual(value)
      }),
    )
  })
})
