/**
 * A registry that listens: storage, TLS, authentication and the limits on
 * connections, around the handler of `registry/`.
 *
 * Stopping is graceful: nothing new is accepted, what runs may finish within a
 * time, and what is left is cut.
 */
import { createServer as createHttpServer } from 'node:http'
import type { Server } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { AirliftError } from '../base/errors.ts'
import { openBlobStore } from '../content/blob-directory.ts'
import type { BlobStore } from '../content/blob-store.ts'
import { sendError } from '../registry/error-response.ts'
import { createRegistryHandler } from '../registry/registry-handler.ts'
import type { RegistryOptions, RequestHandler } from '../registry/registry-handler.ts'
import { WireError } from '../registry/wire-error.ts'
import { isAuthorized } from './basic-auth.ts'
import type { BasicCredentials } from './basic-auth.ts'

export interface RegistryServerOptions extends Omit<RegistryOptions, 'store'> {
  readonly signal: AbortSignal
  /** Directory in distribution's layout, made where there is none; or what holds the content instead. */
  readonly storage: string | BlobStore
  readonly host: string
  /** 0 takes any free one. */
  readonly port: number
  /** PEM. Plain HTTP without. */
  readonly tls?: { readonly cert: string; readonly key: string }
  /** Asked for on every request. Open to everybody without. */
  readonly basicAuth?: BasicCredentials
  /** How long running requests may take once the server is told to stop. */
  readonly stopTimeoutMs?: number
}

export interface RunningServer extends AsyncDisposable {
  /** `http://127.0.0.1:5000`. */
  readonly url: string
  /** As references have it: `127.0.0.1:5000`. */
  readonly registry: string
  readonly port: number
  /** What is served. Content that is put here directly appears at once. */
  readonly store: BlobStore
}

const HEADERS_TIMEOUT_MS = 20_000
const KEEP_ALIVE_MS = 60_000
/** A connection on which nothing at all moves is cut. */
const SILENCE_MS = 300_000
const STOP_TIMEOUT_MS = 10_000
const IDLE_SWEEP_MS = 20
const MAX_CONNECTIONS = 2000

/** @throws {AirliftError} `DISK_FAILED`, or `REGISTRY_UNREACHABLE` where the address cannot be had. */
export async function startRegistryServer(options: RegistryServerOptions): Promise<RunningServer> {
  const store = await openStorage(options)
  const handler = withBasicAuth(createRegistryHandler({ ...options, store }), options.basicAuth)
  // A blob may take hours, so no limit on the whole request: the headers and every stall are bounded instead.
  const timeouts = { headersTimeout: HEADERS_TIMEOUT_MS, requestTimeout: 0, keepAliveTimeout: KEEP_ALIVE_MS }
  const server =
    options.tls === undefined
      ? createHttpServer(timeouts, handler)
      : createHttpsServer({ ...timeouts, ...options.tls }, handler)
  server.maxConnections = MAX_CONNECTIONS
  server.timeout = SILENCE_MS
  const { port } = await listen(server, options)
  const registry = `${options.host.includes(':') ? `[${options.host}]` : options.host}:${port}`
  return {
    url: `${options.tls === undefined ? 'http' : 'https'}://${registry}`,
    registry,
    port,
    store,
    [Symbol.asyncDispose]: () => stop(server, options.stopTimeoutMs ?? STOP_TIMEOUT_MS),
  }
}

async function openStorage({ storage, signal }: RegistryServerOptions): Promise<BlobStore> {
  if (typeof storage !== 'string') return storage
  try {
    return await openBlobStore(storage, { signal })
  } catch (error) {
    if (signal.aborted) throw error
    throw new AirliftError('DISK_FAILED', `cannot open the registry's storage ${storage}`, { cause: error })
  }
}

function listen(server: Server, { host, port }: RegistryServerOptions): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      reject(new AirliftError('REGISTRY_UNREACHABLE', `cannot listen on ${host}:${port}`, { cause: error }))
    })
    server.listen(port, host, () => resolve(server.address() as AddressInfo))
  })
}

function withBasicAuth(handler: RequestHandler, expected: BasicCredentials | undefined): RequestHandler {
  if (expected === undefined) return handler
  return (request, response) => {
    if (isAuthorized(request.headers.authorization, expected)) return handler(request, response)
    const headers = { 'www-authenticate': 'Basic realm="airlift", charset="UTF-8"' }
    sendError(request, response, new WireError('UNAUTHORIZED', 'authentication required', { headers }))
  }
}

async function stop(server: Server, timeoutMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  // A kept-alive connection becomes idle when its last answer has left; nothing tells when.
  const sweep = setInterval(() => server.closeIdleConnections(), IDLE_SWEEP_MS)
  const timer = setTimeout(() => server.closeAllConnections(), timeoutMs)
  await closed
  clearInterval(sweep)
  clearTimeout(timer)
}
