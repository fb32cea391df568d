import { setImmediate as turn } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { Semaphore, Semaphores } from './semaphore.ts'

const never = new AbortController().signal

it('lets in as many as it has places, in order of arrival', async () => {
  const semaphore = new Semaphore(1)
  const order: number[] = []
  const first = await semaphore.acquire(never)

  const others = [1, 2].map(async (name) => {
    using _place = await semaphore.acquire(never)
    order.push(name)
  })
  await turn()
  expect(order).toEqual([])
  first[Symbol.dispose]()
  await Promise.all(others)

  expect(order).toEqual([1, 2])
})

it('gives a place back once, however often it is disposed', async () => {
  const semaphore = new Semaphore(1)
  const place = await semaphore.acquire(never)
  place[Symbol.dispose]()
  place[Symbol.dispose]()

  await semaphore.acquire(never)
  const third = semaphore.acquire(AbortSignal.timeout(10))

  await expect(third).rejects.toThrow()
})

it('forgets who was aborted while waiting', async () => {
  const semaphore = new Semaphore(1)
  const place = await semaphore.acquire(never)
  const stop = new AbortController()
  const waiting = semaphore.acquire(stop.signal)
  stop.abort(new Error('stop'))
  await expect(waiting).rejects.toThrow('stop')

  place[Symbol.dispose]()

  expect(await semaphore.acquire(never)).toBeDefined()
})

it('limits each key on its own', async () => {
  const semaphores = new Semaphores(1)
  await semaphores.of('a').acquire(never)

  await semaphores.of('b').acquire(never)

  await expect(semaphores.of('a').acquire(AbortSignal.timeout(10))).rejects.toThrow()
})
