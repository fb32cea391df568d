import { describe, expect, it } from 'vitest'
import { findCredential, lookupKeys, parseAuthFile } from './auth-file.ts'

const base64 = (text: string): string => Buffer.from(text).toString('base64')
const auths = (entries: Readonly<Record<string, string>>): Readonly<Record<string, object>> =>
  Object.fromEntries(Object.entries(entries).map(([key, text]) => [key, { auth: base64(text) }]))
const parse = (content: unknown, legacy = false): ReturnType<typeof parseAuthFile> =>
  parseAuthFile(JSON.stringify(content), { path: '/x/auth.json', legacy })

describe('lookupKeys', () => {
  it('goes from the repository up to the host', () => {
    expect(lookupKeys({ registry: 'r:5000', repository: 'a/b/c' })).toEqual([
      'r:5000/a/b/c',
      'r:5000/a/b',
      'r:5000/a',
      'r:5000',
    ])
    expect(lookupKeys({ registry: 'r' })).toEqual(['r'])
  })
})

describe('findCredential', () => {
  const file = parse({
    auths: auths({
      'quay.io': 'host:pw',
      'quay.io/org': 'org:pw',
      'quay.io/org/repo': 'repo:pw',
      'r.example.com:5000': 'port:a:b:c',
      'https://old.example.com/v1/': 'url:pw',
      'http://older.example.com': 'http:pw',
      'https://index.docker.io/v1/': 'hub:pw',
      'padded.example.com': 'user:pw\0\0',
      'nobody.example.com': ':',
      'no-colon.example.com': 'user',
      'slash.example.com/': 'user:pw',
    }),
  })

  it.each([
    ['quay.io', 'org/repo', 'repo'],
    ['quay.io', 'org/repo/deeper', 'repo'],
    ['quay.io', 'org/repository', 'org'],
    ['quay.io', 'organisation/x', 'host'],
    ['quay.io', undefined, 'host'],
    ['quay.io:443', 'org/repo', undefined],
    ['r.example.com', 'a', undefined],
    ['old.example.com', 'a/b', 'url'],
    ['older.example.com', 'a/b', 'http'],
    ['docker.io', 'library/x', 'hub'],
    ['registry-1.docker.io', 'library/x', 'hub'],
    ['nobody.example.com', 'a', undefined],
    ['no-colon.example.com', 'a', undefined],
    ['slash.example.com', 'a', undefined],
  ])('for %s and %s finds the user %s', (registry, repository, username) => {
    const scope = repository === undefined ? { registry } : { registry, repository }

    expect(findCredential(file, scope)).toEqual(
      username === undefined ? undefined : { kind: 'basic', username, password: 'pw' },
    )
  })

  it('splits at the first colon, and takes the padding off', () => {
    expect(findCredential(file, { registry: 'r.example.com:5000' })).toMatchObject({ password: 'a:b:c' })
    expect(findCredential(file, { registry: 'padded.example.com' })).toMatchObject({ password: 'pw' })
  })

  it('prefers an identity token', () => {
    const file = parse({ auths: { 'r.io': { auth: base64('00000000-0000:'), identitytoken: 'secret-token' } } })

    expect(findCredential(file, { registry: 'r.io' })).toEqual({ kind: 'identity-token', token: 'secret-token' })
  })

  it('reads API URLs in files of the old format, and no namespaces', () => {
    const file = parse(auths({ 'r.io/v1/': 'a:pw', 'r.io/v1/x': 'b:pw', 'http://l.io/v1': 'c:pw' }), true)

    expect(findCredential(file, { registry: 'r.io', repository: 'v1/x' })).toMatchObject({ username: 'a' })
    expect(findCredential(file, { registry: 'l.io' })).toMatchObject({ username: 'c' })
  })

  it('refuses what is not base64, naming file and key but not the text', () => {
    const file = parse({ auths: { 'r.io': { auth: 's3cret!' } } })

    expect(() => findCredential(file, { registry: 'r.io' })).toThrow(
      expect.objectContaining({
        code: 'AUTH_FILE_INVALID',
        message: 'credentials in /x/auth.json: "auth" of "r.io" is not base64',
      }),
    )
  })
})

describe('parseAuthFile', () => {
  it('reads helpers, and passes over what it does not know', () => {
    const file = parse({
      auths: { 'r.io': {}, 's.io': null },
      credHelpers: { 'h.io': 'pass' },
      credsStore: 'desktop',
      HttpHeaders: { x: 'y' },
    })

    expect(file).toMatchObject({ helpers: new Map([['h.io', 'pass']]), defaultHelper: 'desktop' })
    expect([...file.auths.keys()]).toEqual(['r.io', 's.io'])
  })

  it.each([
    ['', 'the file is empty'],
    ['{"auths": {"r.io": {"auth": "c2VjcmV0" "x"}}}', 'not JSON'],
    ['{"auths":\n {"r.io": {"auth": "c2VjcmV0",,}}}', 'not JSON at line 2'],
    ['[]', 'the file is not what it should be'],
    ['{"auths": {"r.io": {"auth": {"c2VjcmV0": 1}}}}', '"auths"."r.io"."auth" is not what it should be'],
  ])('refuses %j without quoting it', (text, problem) => {
    const failure = (): unknown => parseAuthFile(text, { path: '/x/auth.json', legacy: false })

    expect(failure).toThrow(
      expect.objectContaining({ code: 'AUTH_FILE_INVALID', message: expect.stringContaining('/x/auth.json') }),
    )
    expect(failure).toThrow(problem)
    expect(failure).not.toThrow('c2VjcmV0')
    expect(failure).toThrow(expect.not.objectContaining({ cause: expect.anything() }))
  })
})
