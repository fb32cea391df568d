import { describe, expect, it } from 'vitest'
import { formatDockerName, parseDockerName } from './docker-name.ts'

const DIGEST = `sha256:${'a'.repeat(64)}`

describe('parseDockerName', () => {
  it.each([
    ['quay.io/a/b:v1', 'quay.io/a/b:v1'],
    ['quay.io/a/b', 'quay.io/a/b'],
    [`quay.io:443/a@${DIGEST}`, `quay.io:443/a@${DIGEST}`],
    [`localhost/a:v1@${DIGEST}`, `localhost/a:v1@${DIGEST}`],
    ['busybox', 'docker.io/library/busybox'],
    ['busybox:v1', 'docker.io/library/busybox:v1'],
    ['org/app:v1', 'docker.io/org/app:v1'],
    ['docker.io/busybox', 'docker.io/library/busybox'],
    ['index.docker.io/org/app', 'docker.io/org/app'],
  ])('reads %s as %s', (text, expected) => {
    const name = parseDockerName(text)

    expect(name && formatDockerName(name)).toBe(expected)
  })

  it.each([
    '',
    'quay.io/',
    'quay.io/A',
    'quay.io/a:',
    'quay.io/a@sha256:00',
    'quay.io/a:v1:v2',
    'a//b',
    '-x.io/a',
    ' a',
  ])('takes %j for no name', (text) => {
    expect(parseDockerName(text)).toBeUndefined()
  })
})
