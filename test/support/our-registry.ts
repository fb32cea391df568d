/**
 * Our own registry as a far end that tells what it was asked, and can be slow.
 *
 * Requests are recorded as they arrive, so that none of a killed client is attributed to the next.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { openBlobStore } from '../../src/content/blob-directory.ts'
import { createRegistryHandler } from '../../src/registry/registry-handler.ts'

export interface OurRegistryOptions {
  /** Before each answer with a blob, in milliseconds; 0 by default. */
  readonly delayMs?: number
  /** After each piece of a blob, in milliseconds, so that none waits in a buffer. */
  readonly pauseMs?: number
}

export interface OurRegistry extends AsyncDisposable {
  /** `127.0.0.1:34567`. */
  readonly host: string
  readonly url: string
  readonly directory: string
  /** `GET /v2/app/blobs/sha256:…`, in order of arrival. The caller may empty it. */
  readonly requests: string[]
  /** Bytes of all blobs so far, those included that nobody took; counted with `pauseMs` only. */
  readonly sentBytes: () => number
}

const BLOB = /^\/v2\/.+\/blobs\/sha/

export async function startOurRegistry(directory: string, options: OurRegistryOptions = {}): Promise<OurRegistry> {
  const stop = new AbortController()
  const handler = createRegistryHandler({ store: await openBlobStore(directory, { signal: stop.signal }) })
  const requests: string[] = []
  let sentBytes = 0
  const server = createServer((request, response) => {
    const { method = '', url = '' } = request
    requests.push(`${method} ${url}`)
    type Write = (chunk: Uint8Array, done?: (error?: Error | null) => void) => boolean
    const write = response.write.bind(response) as Write
    const countedWrite: Write = (chunk, done) => {
      sentBytes += chunk.length
      return write(chunk, (error) => void setTimeout(() => done?.(error), options.pauseMs ?? 0))
    }
    if (options.pauseMs !== undefined) response.write = countedWrite as typeof response.write
    const delayMs = method === 'GET' && BLOB.test(url) ? options.delayMs : 0
    if (delayMs) setTimeout(() => handler(request, response), delayMs)
    else handler(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    host,
    url: `http://${host}`,
    directory,
    requests,
    sentBytes: () => sentBytes,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
      stop.abort()
    },
  }
}
