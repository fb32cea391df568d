import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hasCode } from '../base/errors.ts'
import { compileGoRegexp } from './go-regexp.ts'

/** Every row was checked against Go's `regexp.MatchString`. */
const MATCHES: readonly (readonly [pattern: string, matching: readonly string[], other: readonly string[]])[] = [
  ['ubi8/ubi', ['registry.redhat.io/ubi8/ubi:latest'], ['registry.redhat.io/ubi9/ubi:latest']],
  ['^quay\\.io/.*:v1$', ['quay.io/a/b:v1'], ['quay-io/a:v1', 'x.quay.io/a:v1', 'quay.io/a:v12']],
  ['', ['', 'anything'], []],
  ['a|b|', ['', 'c'], []],
  ['^(?:a|bc)+$', ['a', 'abc', 'bcbca'], ['', 'b', 'abd']],
  ['^a{2}$', ['aa'], ['a', 'aaa']],
  ['^a{2,}$', ['aa', 'aaaa'], ['a']],
  ['^a{1,3}?$', ['a', 'aaa'], ['', 'aaaa']],
  ['a{,2}', ['a{,2}'], ['aa']],
  ['a{01}', ['a{01}'], ['a']],
  ['^x*?y$', ['y', 'xxy'], ['x']],
  ['(?i)QUAY', ['quay.io', 'QuAy'], ['qua']],
  ['(?i)[a-c]K', ['Bk', 'a\u212a'], ['dk']],
  ['(?i)^\\W$', ['-'], ['s', 'k', 'ſ', '\u212a']],
  ['(?i:a)b', ['Ab'], ['AB']],
  ['(?i)a(?-i)b', ['Ab'], ['AB']],
  ['((?i)a)b', ['Ab'], ['AB']],
  ['a.b', ['axb'], ['a\nb']],
  ['(?s)a.b', ['a\nb'], ['ab']],
  ['^b$', ['b'], ['a\nb', 'b\n']],
  ['(?m)^b$', ['a\nb\nc'], ['ab']],
  ['(?m)\\Ab\\z', ['b'], ['a\nb', 'b\nc']],
  ['(?U)^a+$', ['aaa'], ['']],
  ['(?P<name>a)(?<other>b)', ['ab'], ['a']],
  ['\\Qa.b*\\E+$', ['a.b***'], ['axb', 'a.b']],
  ['\\Q(', ['('], ['a']],
  ['^\\d\\D\\s\\S\\w\\W$', ['1a b_-'], ['a1 b_-', '1a\vb_-']],
  ['^[[:alpha:]][[:^digit:]]$', ['ab'], ['a1', '1a']],
  ['^[^\\d/]+$', ['abc'], ['a1', 'a/b']],
  ['^[]a]+$', [']a'], ['b']],
  ['^[^]]$', ['a'], [']']],
  ['^[a-]$', ['a', '-'], ['b']],
  ['^[+--]$', ['+', ',', '-'], ['.']],
  ['^\\pL\\p{Greek}\\P{Lu}\\p{^Lu}$', ['éαaa'], ['1αaa', 'éaaa', 'éαAa', 'éαaA']],
  ['\\bio\\b', ['quay.io/a'], ['radio/a']],
  ['\\Bio\\b', ['radio/a'], ['quay.io/a']],
  ['^\\x41\\x{1F600}\\101\\.\\n$', ['A😀A.\n'], ['AxA.\n']],
  ['^.$', ['😀', 'é'], ['ab']],
  ['^(|a)*$', ['', 'aaa'], ['b']],
  ['^(?:a*)*b$', ['b', 'aab'], ['a']],
  ['^*a', ['a'], ['b']],
  ['a\\Q\\E*b', ['b', 'aab'], ['a']],
  ['a{0}b', ['b'], ['a']],
]

const REFUSED: readonly (readonly [pattern: string, message: string])[] = [
  ['(', 'missing closing ): `(`'],
  ['a)b', 'unexpected ): `a)b`'],
  ['(?i', 'missing closing ): `(?i`'],
  ['[a', 'missing closing ]: `[a`'],
  ['x[', 'missing closing ]: `[`'],
  ['*a', 'missing argument to repetition operator: `*`'],
  ['a|+', 'missing argument to repetition operator: `+`'],
  ['(?i)*', 'missing argument to repetition operator: `*`'],
  ['a**', 'invalid nested repetition operator: `**`'],
  ['a{2}{3}', 'invalid nested repetition operator: `{2}{3}`'],
  ['a{1001}', 'invalid repeat count: `{1001}`'],
  ['a{3,2}', 'invalid repeat count: `{3,2}`'],
  ['(a{100}){100}', 'invalid repeat count'],
  ['[b-a]', 'invalid character class range: `b-a`'],
  ['[[:nope:]]', 'invalid character class range: `[:nope:]`'],
  ['\\p{Nope}', 'invalid character class range: `\\p{Nope}`'],
  ['\\p', 'invalid character class range: `\\p`'],
  ['\\y', 'invalid escape sequence: `\\y`'],
  ['(a)\\1', 'invalid escape sequence: `\\1`'],
  ['[a-\\d]', 'invalid escape sequence: `\\d`'],
  ['\\x{110000}', 'invalid escape sequence: `\\x{110000`'],
  ['a\\', 'trailing backslash at end of expression: ``'],
  ['(?=a)', 'invalid or unsupported Perl syntax: `(?=`'],
  ['(?!a)', 'invalid or unsupported Perl syntax: `(?!`'],
  ['(?<=a)b', 'invalid named capture: `(?<=a)b`'],
  ['(?P<n>a)(?P<n>b)', 'invalid named capture'],
  ['(?P<>a)', 'invalid named capture: `(?P<>`'],
  ['\ud800', 'invalid UTF-8'],
  ['('.repeat(2000), 'expression nests too deeply'],
  ['a{999}'.repeat(40), 'expression too large'],
]

describe('compileGoRegexp', () => {
  it.each(MATCHES)('matches as Go does: %s', (pattern, matching, other) => {
    const regexp = compileGoRegexp(pattern)

    expect(matching.filter((text) => !regexp.matches(text))).toEqual([])
    expect(other.filter((text) => regexp.matches(text))).toEqual([])
  })

  it.each(REFUSED)('refuses in the words of Go: %s', (pattern, message) => {
    expect(() => compileGoRegexp(pattern)).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        message: expect.stringContaining(`error parsing regexp: ${message}`),
      }),
    )
  })

  it('takes time linear in the text where a backtracking matcher never ends', () => {
    const regexp = compileGoRegexp('^(?:(?:a|a)*(?:a?){20})*(?:a+)+b$')

    expect(regexp.matches('a'.repeat(1024))).toBe(false)
  })

  it('agrees with JavaScript on what both understand alike', () => {
    const atom = fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', '\\d', '\\.', '(?:a|b)', '(b)', '^', '$')
    const part = fc.tuple(atom, fc.constantFrom('', '', '*', '+', '?', '{2}', '{1,2}?')).map(([what, times]) => {
      return /[\^$]/.test(what) && !what.startsWith('[') ? what : `${what}${times}`
    })
    const pattern = fc.array(fc.oneof(part, part, fc.constant('|')), { maxLength: 8 }).map((parts) => parts.join(''))
    const text = fc.stringMatching(/^[ab.1\n]{0,12}$/)
    fc.assert(
      fc.property(pattern, text, (source, sample) => {
        expect(compileGoRegexp(source).matches(sample)).toBe(
          new RegExp(
            source.replaceAll('.', (dot, at: number) => {
              return source[at - 1] === '\\' ? dot : '[^\\n]'
            }),
            'u',
          ).test(sample),
        )
      }),
      { numRuns: 500 },
    )
  })

  it('answers any pattern with a matcher or an error', () => {
    const syntax = fc.array(fc.constantFrom(...Array.from('()[]{}*+?|\\^$.-:=!<>PQEpdnx019,imsU&~')), { maxLength: 30 })
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          syntax.map((parts) => parts.join('')),
        ),
        (pattern) => {
          try {
            compileGoRegexp(pattern).matches('quay.io/a/b:v1')
          } catch (error) {
            expect(hasCode(error, 'CONFIG_INVALID')).toBe(true)
          }
        },
      ),
      { numRuns: 1000 },
    )
  })
})
