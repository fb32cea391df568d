import { describe, expect, it } from 'vitest'
import { formatTarget, nestPath, targetOf } from './target.ts'

const image = { origin: 'quay.io/a/b:v1', repository: 'a/b', tag: 'v1' }

describe('targetOf', () => {
  it.each([
    ['keeps the path below the namespace', { namespace: 'ns', maxNestedPaths: 0 }, 'mirror.example:5000/ns/a/b:v1'],
    ['keeps the path where there is no namespace', { namespace: '', maxNestedPaths: 0 }, 'mirror.example:5000/a/b:v1'],
    ['counts the namespace as nesting', { namespace: 'ns', maxNestedPaths: 2 }, 'mirror.example:5000/ns/a-b:v1'],
  ])('%s', (_, base, expected) => {
    expect(formatTarget(targetOf(image, { registry: 'mirror.example:5000', ...base }))).toBe(expected)
  })

  it.each([
    [{ repository: 'Upper/case' }, 'Upper/case:v1'],
    [{ repository: '../up' }, '../up:v1'],
    [{ tag: '' }, 'a/b:'],
  ])('refuses a name that no registry takes: %j', (part, named) => {
    expect(() => targetOf({ ...image, ...part }, { registry: 'm.example', namespace: '', maxNestedPaths: 0 })).toThrow(
      expect.objectContaining({
        code: 'NAME_INVALID',
        message: expect.stringContaining(named),
        hint: expect.stringContaining('targetRepo'),
      }),
    )
  })
})

it.each([
  ['a/b/c/d', 2, 'a/b-c-d'],
  ['a/b/c/d', 1, 'a-b-c-d'],
  ['a/b', 2, 'a/b'],
  ['a/b/c', 0, 'a/b/c'],
])('nests %s in %i components as %s', (path, max, expected) => {
  expect(nestPath(path, max)).toBe(expected)
})
