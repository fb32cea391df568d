import { describe, expect, it } from 'vitest'
import { parseReference } from '../oci/reference.ts'
import { imageScopes, layoutScopes } from './image-scopes.ts'

const DIGEST = `sha256:${'a'.repeat(64)}`

describe('imageScopes', () => {
  it.each([
    [
      'r.example.com:5000/a/b:v1',
      [
        'r.example.com:5000/a/b:v1',
        'r.example.com:5000/a/b',
        'r.example.com:5000/a',
        'r.example.com:5000',
        '*.example.com',
        '*.com',
      ],
    ],
    [`quay.io/a@${DIGEST}`, [`quay.io/a@${DIGEST}`, 'quay.io/a', 'quay.io', '*.io']],
    [`quay.io/a:v1@${DIGEST}`, [`quay.io/a@${DIGEST}`, 'quay.io/a', 'quay.io', '*.io']],
    ['localhost/a:v1', ['localhost/a:v1', 'localhost/a', 'localhost']],
  ])('of %s are %j', (text, scopes) => {
    expect(imageScopes(parseReference(text))).toEqual(scopes)
  })
})

describe('layoutScopes', () => {
  it.each([
    ['/a/b', 'v1', ['/a/b:v1', '/a/b', '/a']],
    ['/a/b/', undefined, ['/a/b:', '/a/b', '/a']],
  ])('of %s and %s are %j', (path, tag, scopes) => {
    expect(layoutScopes(path, tag)).toEqual(scopes)
  })
})
