import { describe, expect, it } from 'vitest'
import { chunkRange, requestedRange } from './range.ts'

describe('requestedRange', () => {
  it.each([
    ['bytes=0-0', { start: 0, end: 1 }],
    ['bytes=2-5', { start: 2, end: 6 }],
    ['bytes=2-', { start: 2, end: 10 }],
    ['bytes=9-', { start: 9, end: 10 }],
    ['bytes=2-99', { start: 2, end: 10 }],
    ['bytes=-3', { start: 7, end: 10 }],
    ['bytes=-99', { start: 0, end: 10 }],
    ['bytes=10-', 'unsatisfiable'],
    ['bytes=10-12', 'unsatisfiable'],
    ['bytes=-0', 'unsatisfiable'],
    [undefined, 'whole'],
    ['', 'whole'],
    ['bytes=-', 'whole'],
    ['bytes=5-2', 'whole'],
    ['bytes=0-1,3-4', 'whole'],
    ['items=0-1', 'whole'],
    ['bytes=a-b', 'whole'],
    [`bytes=0-${'9'.repeat(40)}`, 'whole'],
  ])('reads %s of 10 bytes', (header, range) => {
    expect(requestedRange(header, 10)).toEqual(range)
  })

  it('finds nothing to give of an empty blob', () => {
    expect(requestedRange('bytes=0-', 0)).toBe('unsatisfiable')
  })
})

describe('chunkRange', () => {
  it.each([
    ['0-9', { start: 0, end: 10 }],
    ['10-10', { start: 10, end: 11 }],
    ['bytes 5-9/100', { start: 5, end: 10 }],
    ['bytes=5-9', { start: 5, end: 10 }],
    ['9-5', undefined],
    ['-5', undefined],
    ['0-', undefined],
    ['a-b', undefined],
  ])('reads %s', (header, range) => {
    expect(chunkRange(header)).toEqual(range)
  })
})
