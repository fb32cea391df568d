import { expect, it } from 'vitest'
import { digestAlgorithm, digestHex, digestOf, parseDigest } from './digest.ts'

it.each([`sha256:${'0'.repeat(64)}`, `sha512:${'f'.repeat(128)}`])('takes %s', (text) => {
  expect(parseDigest(text)).toBe(text)
})

it.each([
  '',
  'sha256:',
  `sha256:${'0'.repeat(63)}`,
  `sha256:${'A'.repeat(64)}`,
  `sha512:${'0'.repeat(64)}`,
  `md5:${'0'.repeat(64)}`,
  `sha256:${'0'.repeat(64)}/../x`,
  `sha256:${'0'.repeat(64)}\n`,
])('refuses %j', (text) => {
  expect(() => parseDigest(text)).toThrow(expect.objectContaining({ code: 'DIGEST_INVALID' }))
})

it('hashes and takes apart', () => {
  const digest = digestOf(new TextEncoder().encode('abc'))

  expect(digest).toBe('sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
  expect([digestAlgorithm(digest), digestHex(digest).slice(0, 4)]).toEqual(['sha256', 'ba78'])
})
