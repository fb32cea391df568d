import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isAirliftError } from '../base/errors.ts'
import { formatReference, parseReference } from './reference.ts'

const DIGEST = `sha256:${'0'.repeat(64)}`

describe('parseReference', () => {
  it.each([
    { text: 'quay.io/a/b:v1', registry: 'quay.io', repository: 'a/b', tag: 'v1' },
    { text: 'localhost/a:v1', registry: 'localhost', repository: 'a', tag: 'v1' },
    { text: 'Mirror.Example:5000/a:v1', registry: 'mirror.example:5000', repository: 'a', tag: 'v1' },
    { text: '[::1]:5000/a:v1', registry: '[::1]:5000', repository: 'a', tag: 'v1' },
    { text: `quay.io/a@${DIGEST}`, registry: 'quay.io', repository: 'a', digest: DIGEST },
    { text: `quay.io/a__b-c.d:v1@${DIGEST}`, registry: 'quay.io', repository: 'a__b-c.d', tag: 'v1', digest: DIGEST },
  ])('reads $text', ({ text, ...expected }) => {
    expect(parseReference(text)).toEqual(expected)
  })

  it.each([
    ['ubuntu:22.04', 'registry host'],
    ['library/ubuntu:22.04', 'registry host'],
    ['quay.io/a/b', '":tag"'],
    ['quay.io/A/b:v1', 'lower case'],
    ['quay.io/a//b:v1', 'lower case'],
    ['quay.io/../b:v1', 'lower case'],
    [`quay.io/a:${'x'.repeat(129)}`, '128'],
    [`quay.io/a@${DIGEST}@${DIGEST}`, 'at most one "@"'],
    [`quay.io/${'a/'.repeat(600)}b:v1`, '1024'],
  ])('refuses %s', (text, hint) => {
    expect(() => parseReference(text)).toThrow(
      expect.objectContaining({ code: 'REFERENCE_INVALID', hint: expect.stringContaining(hint) }),
    )
  })
})

it('round-trips every well-formed reference', () => {
  const component = fc.stringMatching(/^[a-z0-9]{1,5}(?:[._-][a-z0-9]{1,3})?$/)
  const reference = fc
    .tuple(
      fc.constantFrom('quay.io', 'localhost:5000', '[::1]:80'),
      fc.array(component, { minLength: 1, maxLength: 4 }),
      fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}$/),
      fc.boolean(),
    )
    .map(([registry, path, tag, hasDigest]) => `${registry}/${path.join('/')}:${tag}${hasDigest ? `@${DIGEST}` : ''}`)
  fc.assert(
    fc.property(reference, (text) => {
      expect(formatReference(parseReference(text))).toBe(text)
    }),
  )
})

it('answers any string with a reference or an AirliftError', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 4096 }), (text) => {
      try {
        parseReference(text)
      } catch (error) {
        expect(isAirliftError(error)).toBe(true)
      }
    }),
  )
})
