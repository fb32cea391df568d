import { describe, expect, it } from 'vitest'
import { fit, safeLine, safeText, shortName, tableLines } from './text.ts'

describe('safeLine', () => {
  it.each([
    ['plain', 'plain'],
    ['\u001B[2Jgone', '�[2Jgone'],
    ['\u009B2J', '�2J'],
    ['a\r\nb', 'a��b'],
    ['\u202Eabc\u2066', '�abc�'],
    ['größe → 日本', 'größe → 日本'],
  ])('makes %j harmless', (text, expected) => {
    expect(safeLine(text)).toBe(expected)
  })
})

it('indents later lines, so that none can pass for one of ours', () => {
  expect(safeText('bad\r\nerror: fake\n\u001B[31mred')).toBe('bad\n  error: fake\n  �[31mred')
})

describe('fit', () => {
  it.each([
    ['short', 10, 'short'],
    ['exactly-10', 10, 'exactly-10'],
    ['registry.example/a/b/c:tag', 16, 'regi../a/b/c:tag'],
    ['größe', 10, 'gr??e'],
    ['abcdefghij', 4, 'abcd'],
    ['abc', 0, ''],
  ])('shows %s in %i columns', (text, width, expected) => {
    expect(fit(text, width)).toBe(expected)
  })
})

it.each([
  [`quay.io/a@sha256:${'0123456789abcdef'.repeat(4)}`, 'quay.io/a@sha256:0123456789ab'],
  [`m.io/a:sha256-${'0123456789abcdef'.repeat(4)}`, 'm.io/a:sha256-0123456789ab'],
  ['quay.io/a:v1', 'quay.io/a:v1'],
])('shortens the digest in %s', (text, expected) => {
  expect(shortName(text)).toBe(expected)
})

it('aligns the columns of a table', () => {
  const columns = [
    { title: 'NAME', align: 'left' },
    { title: 'SIZE', align: 'right' },
  ] as const

  expect(
    tableLines(columns, [
      ['a', '1'],
      ['longer', '12345'],
    ]),
  ).toEqual(['NAME     SIZE', 'a           1', 'longer  12345'])
})
