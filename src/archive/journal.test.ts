import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { tempDir } from '../../test/support/temp-dir.ts'
import { digestOf } from '../oci/digest.ts'
import { Journal, readJournal } from './journal.ts'

const [PLAN, A, B] = ['plan', 'a', 'b'].map((text) => digestOf(Buffer.from(text))) as [Digest, Digest, Digest]
type Digest = ReturnType<typeof digestOf>
const PLACE = { volume: 1, offset: 1536, size: 100 }

function write(path: string): void {
  using journal = new Journal(path, { plan: PLAN, boot: 'now' })
  journal.received(A, PLACE, 40)
  journal.whole(B, { ...PLACE, offset: 4096 })
  journal.received(A, PLACE, 80)
  journal.sealed({ number: 1, index: A })
}

describe('readJournal', () => {
  it('tells the last of each fact', async () => {
    await using dir = await tempDir()
    write(dir.join('journal'))

    const state = readJournal(dir.join('journal'), { boot: 'now' })

    expect(state?.plan).toBe(PLAN)
    expect(state?.sealed).toEqual([{ number: 1, index: A }])
    expect([...(state?.blobs.values() ?? [])]).toEqual([
      { digest: A, ...PLACE, received: 80, isWhole: false, isSure: true },
      { digest: B, ...PLACE, offset: 4096, received: 100, isWhole: true, isSure: true },
    ])
  })

  it('is sure of nothing that was written before the machine went down', async () => {
    await using dir = await tempDir()
    write(dir.join('journal'))

    const state = readJournal(dir.join('journal'), { boot: 'later' })

    expect([...(state?.blobs.values() ?? [])].map(({ isSure }) => isSure)).toEqual([false, false])
  })

  it('forgets seals when another run begins', async () => {
    await using dir = await tempDir()
    write(dir.join('journal'))
    using _journal = new Journal(dir.join('journal'), { plan: PLAN, boot: 'now' })

    expect(readJournal(dir.join('journal'), { boot: 'now' })?.sealed).toEqual([])
  })

  it('is nothing where there is no file', async () => {
    await using dir = await tempDir()

    expect(readJournal(dir.join('journal'), { boot: 'now' })).toBeUndefined()
  })

  it('never says of a blob what was not written, however it was damaged', async () => {
    await using dir = await tempDir()
    const path = dir.join('journal')
    write(path)
    const written = readFileSync(path)
    const damage = fc.array(fc.tuple(fc.nat(written.length - 1), fc.integer({ min: 1, max: 255 })), { minLength: 1 })
    fc.assert(
      fc.property(damage, fc.nat(written.length), fc.uint8Array(), (flips, length, tail) => {
        const bytes = Buffer.from(written)
        for (const [at, bits] of flips) bytes[at] = (bytes[at] ?? 0) ^ bits
        writeFileSync(path, bytes.subarray(0, length))
        appendFileSync(path, tail)
        for (const { digest, received, isWhole } of readJournal(path, { boot: 'now' })?.blobs.values() ?? []) {
          expect([A, B]).toContain(digest)
          expect(isWhole ? [100] : [40, 80]).toContain(received)
        }
      }),
    )
  })
})
