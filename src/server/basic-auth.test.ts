import { expect, it } from 'vitest'
import { isAuthorized } from './basic-auth.ts'

const EXPECTED = { username: 'admin', password: 'pa:ss wörd' }
const encode = (text: string): string => Buffer.from(text).toString('base64')

it.each([`Basic ${encode('admin:pa:ss wörd')}`, `basic  ${encode('admin:pa:ss wörd')}`])('lets %s in', (header) => {
  expect(isAuthorized(header, EXPECTED)).toBe(true)
})

it.each([
  undefined,
  '',
  'Basic',
  'Basic ',
  `Basic ${encode('admin:')}`,
  `Basic ${encode('admin:pa:ss wörd ')}`,
  `Basic ${encode('Admin:pa:ss wörd')}`,
  `Bearer ${encode('admin:pa:ss wörd')}`,
  `Basic ${encode('admin:pa:ss wörd')}, Basic x`,
])('keeps %s out', (header) => {
  expect(isAuthorized(header, EXPECTED)).toBe(false)
})
