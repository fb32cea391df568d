import { describe, expect, it } from 'vitest'
import { nextPage, redirectTarget, uploadLocation } from './redirect.ts'

const FROM = new URL('https://reg.example:5000/v2/a/blobs/uploads/?n=1')
const refused = expect.objectContaining({ code: 'REGISTRY_UNSUPPORTED' })

describe('uploadLocation', () => {
  it.each([
    ['/v2/a/blobs/uploads/1?s=%2B', 'https://reg.example:5000/v2/a/blobs/uploads/1?s=%2B'],
    ['1', 'https://reg.example:5000/v2/a/blobs/uploads/1'],
    ['https://reg.example:5000/u', 'https://reg.example:5000/u'],
    ['https://me:pw@reg.example:5000/u#x', 'https://reg.example:5000/u'],
    ['http://reg.example:5000/u?s', 'https://reg.example:5000/u?s'],
    ['http://reg.example/u', 'https://reg.example:5000/u'],
  ])('takes %s', (location, url) => {
    expect(uploadLocation(FROM, location).href).toBe(url)
  })

  it.each([
    'https://evil.example/u',
    '//evil.example/u',
    'https://reg.example:5001/u',
    'https://reg.example.evil.example:5000/u',
    'javascript:alert(1)',
    'http://[bad',
    `/${'x'.repeat(20_000)}`,
    undefined,
  ])('refuses %s', (location) => {
    expect(() => uploadLocation(FROM, location)).toThrow(refused)
  })
})

describe('redirectTarget', () => {
  it.each([
    ['https://cdn.example/x?sig=1', 'https://cdn.example/x?sig=1'],
    ['/x', 'https://reg.example:5000/x'],
  ])('follows %s', (location, url) => {
    expect(redirectTarget(FROM, location, { allowHttp: false }).href).toBe(url)
  })

  it('leaves TLS only where the registry is insecure', () => {
    expect(() => redirectTarget(FROM, 'http://cdn.example/', { allowHttp: false })).toThrow(refused)
    expect(redirectTarget(FROM, 'http://cdn.example/', { allowHttp: true }).href).toBe('http://cdn.example/')
  })

  it('never leaves HTTP', () => {
    expect(() => redirectTarget(FROM, 'file:///etc/passwd', { allowHttp: true })).toThrow(refused)
  })
})

describe('nextPage', () => {
  it('stays on its list', () => {
    expect(nextPage(FROM, '?n=2&last=x').href).toBe('https://reg.example:5000/v2/a/blobs/uploads/?n=2&last=x')
    expect(() => nextPage(FROM, '/v2/b/blobs/uploads/')).toThrow(refused)
    expect(() => nextPage(FROM, 'http://reg.example:5000/v2/a/blobs/uploads/')).toThrow(refused)
  })
})
