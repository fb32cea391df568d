import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { rejectWithReason } from './abort-reason.ts'

it("rejects with the caller's reason where Node has one of its own", async () => {
  const reason = new Error('stop')
  const signal = AbortSignal.abort(reason)

  await expect(rejectWithReason(signal, readFile(import.meta.filename, { signal }))).rejects.toBe(reason)
})

it('leaves other failures and results as they are', async () => {
  const failure = new Error('bug')
  const { signal } = new AbortController()

  await expect(rejectWithReason(signal, Promise.reject(failure))).rejects.toBe(failure)
  expect(await rejectWithReason(signal, Promise.resolve(1))).toBe(1)
})
