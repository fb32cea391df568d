import { describe, expect, it } from 'vitest'
import { readCredentials, refuseUnsupported } from './credential-flags.ts'
import { MIRROR_FLAGS } from './flags.ts'

describe('readCredentials', () => {
  it('reads a pair, and takes colons of the password as they are', () => {
    expect(readCredentials({ 'src-creds': 'ada:a:b', 'dest-username': 'bob', 'dest-password': 'c' })).toEqual({
      source: { username: 'ada', password: 'a:b' },
      target: { username: 'bob', password: 'c' },
    })
  })

  it('finds none where none are given', () => {
    expect(readCredentials({})).toEqual({ source: undefined, target: undefined })
  })

  it.each([
    [{ 'src-creds': 'ada' }, '--src-creds has no user name and password'],
    [{ 'src-creds': ':x' }, '--src-creds has no user name and password'],
    [{ 'dest-username': 'ada' }, '--dest-username and --dest-password belong together'],
    [{ 'dest-password': 'x' }, '--dest-username and --dest-password belong together'],
    [
      { 'src-creds': 'a:b', 'src-username': 'a' },
      '--src-creds and --src-username or --src-password cannot be used together',
    ],
  ])('refuses %j', (values, message) => {
    expect(() => readCredentials(values)).toThrow(expect.objectContaining({ code: 'FLAG_INVALID', message }))
  })
})

describe('refuseUnsupported', () => {
  it.each([
    [{ v1: true }, 'FLAG_INVALID', '--v1 asks for oc-mirror v1, which is not part of Airlift'],
    [{ v1: true, v2: true }, 'FLAG_INVALID', 'the flags --v1 and --v2 are mutually exclusive'],
    [{ 'src-registry-token': 'a' }, 'UNSUPPORTED', 'the flag --src-registry-token is not supported'],
  ])('refuses %j', (values, code, message) => {
    expect(() => refuseUnsupported(values, MIRROR_FLAGS)).toThrow(expect.objectContaining({ code, message }))
  })

  it.each([[{ v2: true }], [{ v1: false }], [{ quiet: true, force: true, 'dest-compress': true }]])(
    'lets %j pass',
    (values) => {
      expect(() => refuseUnsupported(values, MIRROR_FLAGS)).not.toThrow()
    },
  )
})
