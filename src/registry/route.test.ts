import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isAirliftError } from '../base/errors.ts'
import { parseRoute } from './route.ts'
import { WireError } from './wire-error.ts'

const DIGEST = `sha256:${'a'.repeat(64)}`
const SHA512 = `sha512:${'b'.repeat(128)}`

describe('parseRoute', () => {
  it.each([
    ['/v2', { endpoint: 'version' }],
    ['/v2/', { endpoint: 'version' }],
    [`/v2/a/blobs/${DIGEST}`, { endpoint: 'blob', name: 'a', digest: DIGEST }],
    [`/v2/a/b/c/blobs/${SHA512}`, { endpoint: 'blob', name: 'a/b/c', digest: SHA512 }],
    ['/v2/a/manifests/v1', { endpoint: 'manifest', name: 'a', reference: { kind: 'tag', tag: 'v1' } }],
    [`/v2/a/manifests/${DIGEST}`, { endpoint: 'manifest', name: 'a', reference: { kind: 'digest', digest: DIGEST } }],
    ['/v2/a/tags/list', { endpoint: 'tags', name: 'a' }],
    [`/v2/a/referrers/${DIGEST}`, { endpoint: 'referrers', name: 'a', digest: DIGEST }],
    ['/v2/a/blobs/uploads', { endpoint: 'upload-start', name: 'a' }],
    ['/v2/a/blobs/uploads/', { endpoint: 'upload-start', name: 'a' }],
    ['/v2/a/blobs/uploads/1-2', { endpoint: 'upload', name: 'a', session: '1-2' }],
    [
      '/v2/blobs/uploads/manifests/v1',
      { endpoint: 'manifest', name: 'blobs/uploads', reference: { kind: 'tag', tag: 'v1' } },
    ],
    ['/v2/tags/list/tags/list', { endpoint: 'tags', name: 'tags/list' }],
    ['/v2/a/blobs/uploads/manifests/tags/list', { endpoint: 'tags', name: 'a/blobs/uploads/manifests' }],
  ])('reads %s', (path, route) => {
    expect(parseRoute(path)).toEqual(route)
  })

  it.each(['', '/', '/v1/', '/v2/a', '/v2/_catalog', '/v2/a/manifests/', '/v2/a/tags', '/v2//manifests', 'v2/'])(
    'knows no endpoint at "%s"',
    (path) => {
      expect(parseRoute(path)).toBeUndefined()
    },
  )

  it.each([
    ['/v2/../manifests/v1', 'NAME_INVALID'],
    ['/v2/a/../../b/manifests/v1', 'NAME_INVALID'],
    ['/v2/a/_uploads/manifests/v1', 'NAME_INVALID'],
    ['/v2/A/manifests/v1', 'NAME_INVALID'],
    [`/v2/${'a/'.repeat(128)}a/manifests/v1`, 'NAME_INVALID'],
    ['/v2/a/manifests/..', 'NAME_INVALID'],
    ['/v2/a/manifests/.v1', 'NAME_INVALID'],
    [`/v2/a/manifests/${'v'.repeat(129)}`, 'NAME_INVALID'],
    ['/v2/a/manifests/sha256:abc', 'DIGEST_INVALID'],
    ['/v2/a/blobs/sha256:..', 'DIGEST_INVALID'],
    [`/v2/a/blobs/${DIGEST.toUpperCase()}`, 'DIGEST_INVALID'],
    ['/v2/a/referrers/latest', 'DIGEST_INVALID'],
  ])('refuses %s', (path, code) => {
    expect(() => parseRoute(path)).toThrow(expect.objectContaining({ code }))
  })

  it('answers any path with a route, with none, or with a refusal', () => {
    const part = fc.constantFrom('v2', 'blobs', 'uploads', 'manifests', 'tags', 'list', 'a', '..', DIGEST, '\0', 'é')
    fc.assert(
      fc.property(fc.array(fc.oneof(part, fc.string()), { maxLength: 8 }), (parts) => {
        try {
          parseRoute(`/${parts.join('/')}`)
        } catch (error) {
          expect(error instanceof WireError || isAirliftError(error)).toBe(true)
        }
      }),
    )
  })
})
