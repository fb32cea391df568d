import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isAirliftError } from '../base/errors.ts'
import { formatImageName, parseImageName } from './image-name.ts'

const DIGEST = `sha256:${'0123456789abcdef'.repeat(4)}`

describe('parseImageName', () => {
  it.each([
    { text: 'quay.io/a/b:v1', transport: 'docker', registry: 'quay.io', repository: 'a/b', tag: 'v1' },
    { text: 'docker://quay.io/a/b:v1', transport: 'docker', registry: 'quay.io', repository: 'a/b', tag: 'v1' },
    { text: `quay.io/a@${DIGEST}`, transport: 'docker', registry: 'quay.io', repository: 'a', digest: DIGEST },
    {
      text: `localhost:5000/a:v1@${DIGEST}`,
      transport: 'docker',
      registry: 'localhost:5000',
      repository: 'a',
      tag: 'v1',
      digest: DIGEST,
    },
    { text: 'oci:///srv/layout', transport: 'oci', path: '/srv/layout' },
    { text: 'oci:///srv/layout:v1', transport: 'oci', path: '/srv/layout', tag: 'v1' },
    { text: 'oci://relative/dir', transport: 'oci', path: 'relative/dir' },
    { text: 'oci://../dir with space', transport: 'oci', path: '../dir with space' },
  ])('reads $text', ({ text, ...expected }) => {
    expect(parseImageName(text)).toEqual(expected)
  })

  it.each([
    ['quay.io/a/b', 'tag and digest are empty', '":tag"'],
    ['localhost:5000/a', 'tag and digest are empty', '":tag"'],
    ['', 'tag and digest are empty', '":tag"'],
    ['ubuntu:22.04', 'not an image reference', 'registry host'],
    ['library/ubuntu:22.04', 'not an image reference', 'registry host'],
    ['docker://quay.io/A/b:v1', 'not an image reference', 'lower case'],
    ['quay.io/a:', 'not an image reference', '128'],
    ['docker-daemon://a:v1', 'transport "docker-daemon"', 'docker://'],
    ['oci:/srv/layout:v1', 'not an image reference', 'registry host'],
    ['oci://', 'path is empty', 'oci:///path'],
    ['oci://:v1', 'path is empty', 'oci:///path'],
    ['oci:///srv:x/layout', '"x/layout" is not a tag', 'only once'],
    [`oci:///srv@${DIGEST}:v1`, 'is not a tag', 'only once'],
    ['oci:///a\0b', 'NUL', 'remove'],
    [`oci://${'a'.repeat(4097)}`, 'too long', '4096'],
  ])('refuses %s', (text, message, hint) => {
    expect(() => parseImageName(text)).toThrow(
      expect.objectContaining({
        code: 'REFERENCE_INVALID',
        message: expect.stringContaining(message),
        hint: expect.stringContaining(hint),
      }),
    )
  })

  it('refuses a malformed digest', () => {
    expect(() => parseImageName('quay.io/a@sha256:abc')).toThrow(expect.objectContaining({ code: 'DIGEST_INVALID' }))
  })

  it('reads what formatImageName writes', () => {
    const word = fc.stringMatching(/^[a-z0-9]{1,8}$/)
    const registryName = fc
      .tuple(word, fc.array(word, { minLength: 1, maxLength: 4 }), word)
      .map(([host, path, tag]) => `docker://${host}.example/${path.join('/')}:${tag}`)
    const layoutName = fc.tuple(word, word, fc.boolean()).map(([a, b, tagged]) => `oci:///${a}${tagged ? `:${b}` : ''}`)
    fc.assert(
      fc.property(fc.oneof(registryName, layoutName), (text) => {
        expect(formatImageName(parseImageName(text))).toBe(text)
      }),
    )
  })

  it('answers any string with a name or an AirliftError', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.string().map((text) => `oci://${text}`),
        ),
        (text) => {
          try {
            parseImageName(text)
          } catch (error) {
            expect(isAirliftError(error)).toBe(true)
          }
        },
      ),
    )
  })
})
