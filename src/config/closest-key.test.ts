import { expect, it } from 'vitest'
import { closestKey } from './closest-key.ts'

const KEYS = ['name', 'type', 'minVersion', 'maxVersion', 'additionalImages', 'platform', 'platforms']

it.each([
  ['additionalImage', 'additionalImages'],
  ['additonalimages', 'additionalImages'],
  ['mniVersion', 'minVersion'],
  ['maxversions', 'maxVersion'],
  ['Platfrom', 'platform'],
  ['nam', 'name'],
  ['typo', 'type'],
  ['x', undefined],
  ['', undefined],
  ['bundles', undefined],
  ['a'.repeat(10_000), undefined],
])('takes %s for %s', (text, key) => {
  expect(closestKey(text, KEYS)).toBe(key)
})
