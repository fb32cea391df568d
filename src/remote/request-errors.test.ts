import { describe, expect, it } from 'vitest'
import { connectionError, explained, parseRetryAfter, responseError, retryDelay } from './request-errors.ts'
import type { Peer } from './request-errors.ts'

const PEER: Peer = { side: 'target', registry: 'reg.example', lookedIn: () => ['/a/auth.json', '/b/config.json'] }
const NOW = Date.parse('2026-01-01T12:00:00Z')
const failure = (code: string): Error => Object.assign(new Error('low level'), { code })
const status = (code: number, body = '', headers = {}): ReturnType<typeof responseError> =>
  responseError(PEER, 'reading manifest v1 in reg.example/a', { status: code, headers, body })

describe('parseRetryAfter', () => {
  it.each([
    ['0', 0],
    ['3', 3000],
    ['86400', 60_000],
    ['Thu, 01 Jan 2026 12:00:10 GMT', 10_000],
    ['Thu, 01 Jan 2026 11:00:00 GMT', 0],
    ['soon', undefined],
    ['-1', 0],
    ['', undefined],
    [undefined, undefined],
  ])('reads %s', (text, expected) => {
    expect(parseRetryAfter(text, NOW)).toBe(expected)
  })
})

describe('responseError', () => {
  it.each([
    [401, '', 'AUTH_REQUIRED'],
    [403, '', 'REGISTRY_REFUSED'],
    [404, '{"errors":[{"code":"BLOB_UNKNOWN"}]}', 'BLOB_UNKNOWN'],
    [404, 'not found', 'REGISTRY_UNSUPPORTED'],
    [400, '{"errors":[{"code":"DIGEST_INVALID"}]}', 'DIGEST_MISMATCH'],
    [400, '{"errors":[{"code":"MANIFEST_INVALID"}]}', 'REGISTRY_REFUSED'],
    [302, '', 'REGISTRY_UNSUPPORTED'],
    [429, '', 'REGISTRY_FAILED'],
    [500, '', 'REGISTRY_FAILED'],
  ])('of status %i %s is %s', (code, body, expected) => {
    expect(status(code, body)).toMatchObject({
      code: expected,
      details: { side: 'target', registry: 'reg.example', status: code },
    })
  })

  it('names every file where credentials were looked for', () => {
    expect(status(403).hint).toBe(
      'log in to reg.example with an account that may do this; credentials were looked for in /a/auth.json, /b/config.json',
    )
  })
})

describe('connectionError', () => {
  it.each([
    ['ECONNREFUSED', 'REGISTRY_UNREACHABLE', 'connection refused', 0],
    ['ECONNRESET', 'REGISTRY_UNREACHABLE', 'connection reset by peer', 0],
    ['ENOTFOUND', 'REGISTRY_UNREACHABLE', 'no such host', undefined],
    ['UND_ERR_HEADERS_TIMEOUT', 'TIMEOUT', 'no answer in time', 0],
    ['CERT_HAS_EXPIRED', 'CERTIFICATE_INVALID', 'certificate has expired', undefined],
  ])('of %s is %s, in words', (reason, code, words, delay) => {
    const error = connectionError(PEER, 'pinging registry reg.example', failure(reason))

    expect(error).toMatchObject({ code, message: `target: pinging registry reg.example: ${words}` })
    expect(retryDelay(error, 'always')).toBe(delay)
  })

  it('finds the reason below a failure of several addresses', () => {
    const both = new AggregateError([failure('ECONNREFUSED'), failure('ENETUNREACH')])

    expect(connectionError(PEER, 'x', both).message).toBe('target: x: connection refused')
  })

  it('leaves bugs and aborts as they are', () => {
    for (const error of [
      new TypeError('bug'),
      failure('ERR_INVALID_ARG_TYPE'),
      new DOMException('stop', 'AbortError'),
    ]) {
      expect(explained(PEER, 'x', error)).toBe(error)
    }
  })
})

describe('retryDelay', () => {
  it('gives up at once where nobody listens, if that is what is asked', () => {
    expect(retryDelay(connectionError(PEER, 'x', failure('ECONNREFUSED')), 'listening')).toBeUndefined()
    expect(retryDelay(connectionError(PEER, 'x', failure('ECONNRESET')), 'listening')).toBe(0)
    expect(retryDelay(status(503), 'listening')).toBe(0)
  })

  it.each([
    [status(429, '', { 'retry-after': '2' }), 2000, 2000, undefined],
    [status(503), 0, 0, undefined],
    [status(500), 0, undefined, undefined],
    [status(501), undefined, undefined, undefined],
    [status(404), undefined, undefined, undefined],
    [connectionError(PEER, 'x', failure('ECONNREFUSED')), 0, 0, undefined],
    [connectionError(PEER, 'x', failure('ECONNRESET')), 0, undefined, undefined],
    [new Error('bug'), undefined, undefined, undefined],
  ])('of %s', (error, always, unprocessed, never) => {
    expect([retryDelay(error, 'always'), retryDelay(error, 'unprocessed'), retryDelay(error, 'never')]).toEqual([
      always,
      unprocessed,
      never,
    ])
  })
})
