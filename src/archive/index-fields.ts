/**
 * Reads single values out of JSON that anybody may have written. Pure; throws
 * plain errors that say what is wrong, and that the caller wraps.
 */
import { messageOf } from '../base/errors.ts'
import { isDigest } from '../oci/digest.ts'
import type { Digest } from '../oci/digest.ts'

const MAX_TEXT = 4096

export type Fields = Readonly<Record<string, unknown>>

export function readFields(value: unknown): Fields {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) throw new Error('not an object')
  return value as Record<string, unknown>
}

export function readList(json: Fields, key: string, most: number): readonly unknown[] {
  const value = json[key]
  if (!Array.isArray(value)) throw new Error(`${key} is not a list`)
  if (value.length > most) throw new Error(`${key} has ${value.length} elements, more than ${most}`)
  return value
}

/** Each element of a list by `read`; an error says which one it was. */
export function readRows<T>(list: readonly unknown[], what: string, read: (row: Fields) => T): readonly T[] {
  return list.map((value, index) => {
    try {
      return read(readFields(value))
    } catch (error) {
      throw new Error(`${what}[${index}]: ${messageOf(error)}`, { cause: error })
    }
  })
}

/** Something to print: not empty, and without control characters. */
export function readText(value: unknown, what: string): string {
  if (typeof value !== 'string' || value === '' || value.length > MAX_TEXT || /\p{Cc}/u.test(value)) {
    throw new Error(`${what} is not a text`)
  }
  return value
}

export function readCount(value: unknown, what: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw new Error(`${what} is not a number`)
  return value
}

export function readDigest(value: unknown): Digest {
  if (typeof value !== 'string' || !(isCommonDigest(value) || isDigest(value))) throw new Error('there is no digest')
  return value
}

/** Nearly all are of this form, and this says so in a third of the time. */
function isCommonDigest(text: string): text is Digest {
  return /^sha256:[0-9a-f]{64}$/.test(text)
}
