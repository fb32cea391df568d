import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { expect, it } from 'vitest'
import { createStallGuard } from './stall-guard.ts'

async function pair(): Promise<{ near: Socket; far: Socket } & AsyncDisposable> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const far = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const [near] = (await once(server, 'connection')) as [Socket]
  far.on('error', () => undefined)
  return {
    near,
    far,
    [Symbol.asyncDispose]: async () => {
      far.destroy()
      near.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

it('cuts a connection on which nothing moves', async () => {
  await using sockets = await pair()

  using _ = createStallGuard({ intervalMs: 10, minBytes: 1 }).watch(sockets.near)

  await once(sockets.near, 'close')
  expect(sockets.near.destroyed).toBe(true)
})

it('leaves alone what moves, and what is no longer watched', async () => {
  await using moving = await pair()
  await using left = await pair()
  const guard = createStallGuard({ intervalMs: 20, minBytes: 1 })
  using _ = guard.watch(moving.near)
  guard.watch(left.near)[Symbol.dispose]()
  await using idle = await pair()
  using _idle = guard.watch(idle.near)
  moving.near.resume()
  const drip = setInterval(() => moving.far.write('x'), 2)

  await once(idle.near, 'close')
  clearInterval(drip)

  expect([moving.near.destroyed, left.near.destroyed]).toEqual([false, false])
})
