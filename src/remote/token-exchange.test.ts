import { describe, expect, it } from 'vitest'
import { parseChallenges } from './challenge.ts'
import { mergeScopes, repositoryScope } from './scope.ts'
import { parseToken, tokenRealm, tokenUrl } from './token-exchange.ts'

const NOW = Date.parse('2026-01-01T12:00:00Z')
const lifeMs = (json: Record<string, unknown>, date?: string): number | undefined => {
  const token = parseToken(JSON.stringify({ token: 't', ...json }), { nowMs: NOW, date })
  return token === undefined ? undefined : token.expiresAtMs - NOW
}

describe('parseToken', () => {
  it.each([
    ['says nothing', {}, undefined, 54_000],
    ['lasts ten minutes', { expires_in: 600 }, undefined, 570_000],
    ['was issued a while ago', { expires_in: 600, issued_at: '2026-01-01T11:55:00Z' }, undefined, 270_000],
    ['comes from a clock that is ahead', { expires_in: 600, issued_at: '2026-01-01T15:00:00Z' }, undefined, 570_000],
    [
      'comes from a clock that is behind',
      { expires_in: 600, issued_at: '2026-01-01T09:00:00Z' },
      'Thu, 01 Jan 2026 09:00:00 GMT',
      570_000,
    ],
    ['lasts absurdly long', { expires_in: 1e12 }, undefined, (24 * 3600 - 30) * 1000],
    ['lasts less than nothing', { expires_in: -5 }, undefined, 0],
  ])('reckons how long a token can be used that %s', (_, json, date, expected) => {
    expect(lifeMs(json, date)).toBe(expected)
  })

  it.each(['', '[]', 'null', '{"token":""}', '{"token":7}', '{"token":"a b"}', '{"token":"é"}'])(
    'finds none in %s',
    (body) => {
      expect(parseToken(body, { nowMs: NOW, date: undefined })).toBeUndefined()
    },
  )
})

describe('tokenRealm', () => {
  it.each([
    ['https://auth.example/token', false, true],
    ['http://auth.example/token', false, false],
    ['http://auth.example/token', true, true],
    ['https://me:pw@auth.example/token', true, false],
    ['ftp://auth.example/token', true, false],
    ['token', true, false],
  ])('judges %s, HTTP allowed: %s', (text, allowHttp, isUsable) => {
    const [challenge] = parseChallenges([`Bearer realm="${text}"`])

    expect(challenge && tokenRealm(challenge, { allowHttp })?.href).toBe(isUsable ? text : undefined)
  })
})

describe('tokenUrl', () => {
  it('keeps the query of the realm, and sends each scope by itself', () => {
    const realm = new URL('https://auth.example/token?tenant=1')

    expect(tokenUrl({ realm, service: 'a b', scopes: ['repository:x:pull', 'repository:y:pull'] }, 'ann').href).toBe(
      'https://auth.example/token?tenant=1&account=ann&service=a+b&scope=repository%3Ax%3Apull&scope=repository%3Ay%3Apull',
    )
  })
})

describe('mergeScopes', () => {
  it.each([
    [[['repository:a:pull'], ['repository:a:push,pull']], ['repository:a:pull,push']],
    [[['repository:b:pull', 'repository:a:pull']], ['repository:a:pull', 'repository:b:pull']],
    [
      [['repository:host:5000/a:pull'], ['registry:catalog:*']],
      ['registry:catalog:*', 'repository:host:5000/a:pull'],
    ],
    [[['nonsense', '', ' repository:a:pull', 'repository:a:pull\n']], []],
  ])('unites %j', (lists, merged) => {
    expect(mergeScopes(...lists)).toEqual(merged)
  })

  it('pulls where it pushes', () => {
    expect(repositoryScope('a', 'push')).toBe('repository:a:pull,push')
  })
})
