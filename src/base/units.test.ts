import { expect, it } from 'vitest'
import { formatBytes, formatDuration, plural } from './units.ts'

it.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1536, '1.5 KiB'],
  [1024 ** 3, '1.0 GiB'],
])('writes %i bytes as %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text)
})

it.each([
  [950, '0.9s'],
  [95_000, '1m35s'],
  [3_725_000, '1h2m5s'],
])('writes %i ms as %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text)
})

it('counts with the noun in its form', () => {
  expect([plural(1, 'image'), plural(2, 'image')]).toEqual(['1 image', '2 images'])
})
