import { expect, it } from 'vitest'
import { isLooseVersion } from './loose-version.ts'

/** Both lists were checked against `semver.NewVersion` of Masterminds. */
it.each(['1', '1.2', '1.2.3', 'v1.2.3', '01.2', '5.2.3-31', '1-alpha', '1.2.3-a.b+c.d', '18446744073709551615.0.0'])(
  'takes %s for a version',
  (text) => {
    expect(isLooseVersion(text)).toBe(true)
  },
)

it.each([
  '',
  'one',
  '1.',
  '.1',
  '1.2.3.4',
  'V1',
  ' 1',
  '1.2.3-',
  '1.2.3-01',
  '1.2.3+',
  '18446744073709551616',
  `1.${'1'.repeat(300)}`,
])('takes %j for none', (text) => {
  expect(isLooseVersion(text)).toBe(false)
})
