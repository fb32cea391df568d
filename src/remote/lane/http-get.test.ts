import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it } from 'vitest'
import type { BodyOutcome } from './connection.ts'
import { LaneGet } from './http-get.ts'

const signal = new AbortController().signal
/** More than one read of a socket brings. */
const BYTES = 300_000

it('reads the next answer on a connection whose last body ended in a pause', async () => {
  const connections = new Set<unknown>()
  const server = createServer((_, response) => response.end(Buffer.alloc(BYTES)))
  server.on('connection', (socket) => connections.add(socket))
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  using lane = new LaneGet()
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  async function get(): Promise<BodyOutcome | string> {
    const answer = await lane.open({ url, headers: {} }, { signal, offset: 0, stallTimeoutMs: 2000 })
    if (answer.kind !== 'body') return answer.kind
    // A full sink asks for a pause with its last byte too.
    let left = BYTES
    return await answer.body.deliver({ room: () => new Uint8Array(4096), filled: (length) => (left -= length) > 0 })
  }

  const outcomes = [await get(), await get(), await get()]

  server.close()
  server.closeAllConnections()
  expect(outcomes).toEqual([{ kind: 'complete' }, { kind: 'complete' }, { kind: 'complete' }])
  expect(connections.size).toBe(1)
})
