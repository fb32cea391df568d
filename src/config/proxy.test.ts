import { describe, expect, it } from 'vitest'
import { proxyFor } from './proxy.ts'

const PROXY = 'http://proxy.example.com:3128'
const BOTH = { HTTP_PROXY: PROXY, HTTPS_PROXY: 'http://secure.example.com:3129' }

describe('proxyFor', () => {
  it.each([
    [{}, 'https://quay.io/', undefined],
    [BOTH, 'https://quay.io/', 'http://secure.example.com:3129/'],
    [BOTH, 'http://quay.io/', `${PROXY}/`],
    [{ https_proxy: PROXY }, 'https://quay.io/', `${PROXY}/`],
    [{ HTTPS_PROXY: '', https_proxy: PROXY }, 'https://quay.io/', `${PROXY}/`],
    [{ HTTPS_PROXY: 'http://upper:1', https_proxy: PROXY }, 'https://quay.io/', 'http://upper:1/'],
    [{ HTTP_PROXY: PROXY }, 'https://quay.io/', undefined],
    [{ HTTPS_PROXY: 'proxy.example.com:3128' }, 'https://quay.io/', `${PROXY}/`],
    [{ HTTPS_PROXY: 'https://user:secret@proxy/' }, 'https://quay.io/', 'https://user:secret@proxy/'],
    [BOTH, 'https://localhost:5000/', undefined],
    [BOTH, 'http://127.0.0.53:5000/', undefined],
    [BOTH, 'http://[::1]:5000/', undefined],
  ])('with %j sends %s through %s', (env, url, expected) => {
    expect(proxyFor(new URL(url), env)?.href).toBe(expected)
  })

  it.each([
    ['*', 'any.com', true],
    ['example.com', 'example.com', true],
    ['EXAMPLE.com', 'a.Example.com', true],
    ['example.com', 'notexample.com', false],
    ['.example.com', 'a.example.com', true],
    ['.example.com', 'example.com', false],
    ['*.example.com', 'a.b.example.com', true],
    ['*.example.com', 'example.com', false],
    ['other.com, example.com', 'example.com', true],
    ['example.com:8443', 'example.com:8443', true],
    ['example.com:8443', 'example.com', false],
    ['example.com:443', 'example.com', true],
    ['10.1.2.3', '10.1.2.3', true],
    ['10.1.2.3', '10.1.2.30', false],
    ['10.1.2.3:5000', '10.1.2.3:5000', true],
    ['10.1.2.3:5000', '10.1.2.3', false],
    ['10.0.0.0/8', '10.200.1.1', true],
    ['10.0.0.0/8', '11.0.0.1', false],
    ['10.0.0.0/33', '10.0.0.1', false],
    ['2001:db8::/32', '[2001:db8::7]', true],
    ['2001:db8::/32', '[2001:db9::7]', false],
    ['2001:db8::7', '[2001:db8:0::7]', true],
    ['[2001:db8::7]:5000', '[2001:db8::7]:5000', true],
    ['[2001:db8::7]:5000', '[2001:db8::7]', false],
    ['10.0.0.0/8', 'ten.example.com', false],
    ['.0.0.1', '10.0.0.1', false],
    [',, ,:80', 'example.com', false],
  ])('NO_PROXY=%s for %s: %s', (list, host, isExempt) => {
    const proxied = proxyFor(new URL(`https://${host}/v2/`), { ...BOTH, NO_PROXY: list })

    expect(proxied === undefined).toBe(isExempt)
  })

  it('reads NO_PROXY in lower case too', () => {
    expect(proxyFor(new URL('https://a.com'), { ...BOTH, no_proxy: 'a.com' })).toBeUndefined()
  })

  it.each(['http://user:secret@bad host', 'http://', 'socks5://user:secret@proxy.example:1080'])(
    'refuses %s, without quoting it',
    (value) => {
      const env = { HTTPS_PROXY: value }

      expect(() => proxyFor(new URL('https://a.com'), env)).toThrow(
        expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.not.stringContaining('secret') }),
      )
    },
  )
})
