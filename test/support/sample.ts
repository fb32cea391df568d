/**
 * Samples of long series of tests: a few by default, all of them with `AIRLIFT_LONG=1`, the same ones again with the
 * `AIRLIFT_SEED` that a failure names.
 */
import { randomInt } from 'node:crypto'
import { randomBytes } from './random-image.ts'

export const SEED: number = Number(process.env['AIRLIFT_SEED'] ?? randomInt(2 ** 31))

/** Of the numbers 1 to `count`, so many, in order. */
export function sample(count: number, size: number): readonly number[] {
  const all = Array.from({ length: count }, (_, index) => index + 1)
  if (process.env['AIRLIFT_LONG'] === '1') return all
  const rank = (n: number): number => randomBytes(4, `${SEED}/${n}`).readUInt32LE()
  return all
    .toSorted((a, b) => rank(a) - rank(b))
    .slice(0, size)
    .toSorted((a, b) => a - b)
}
