import { expect, it } from 'vitest'
import { redact } from './redact.ts'

it.each([
  ['user information of a URL', 'GET https://user:secret@quay.io/v2/', 'GET https://quay.io/v2/'],
  [
    'the query of a URL',
    'from https://cdn.example/blob?sig=secret&x=1 failed',
    'from https://cdn.example/blob?… failed',
  ],
  ['a basic credential', 'sent Basic dXNlcjpzZWNyZXQ=', 'sent Basic …'],
  ['a token', 'Authorization: Bearer eyJhbGciOi.J9-_.x', 'Authorization: Bearer …'],
  ['nothing else', 'docker://quay.io/a/b@sha256:00 is at a?b', 'docker://quay.io/a/b@sha256:00 is at a?b'],
])('takes out %s', (_, text, expected) => {
  expect(redact(text)).toBe(expected)
})
