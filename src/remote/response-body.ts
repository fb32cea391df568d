/**
 * Reads answers that are small by right: never more than a bound, never for
 * longer than a time, whatever the peer announces.
 */
import { AirliftError } from '../base/errors.ts'
import type { RefusedAnswer } from './blob-orders.ts'
import { MAX_ERROR_BYTES } from './server-error.ts'
import type { Exchange, ResponseHeaders } from './transport.ts'

export interface ReadLimits {
  readonly maxBytes: number
  /** For the whole body: a small answer that trickles is no answer. */
  readonly timeoutMs: number
  readonly tooLarge: (bytes: number) => AirliftError
}

export async function readBody({ body, headers }: Exchange, limits: ReadLimits): Promise<Buffer> {
  const declared = contentLength(headers)
  let received = 0
  const chunks: Buffer[] = []
  const timer = setTimeout(() => body.destroy(tooSlow()), limits.timeoutMs)
  try {
    if (declared !== undefined && declared > limits.maxBytes) throw limits.tooLarge(declared)
    for await (const chunk of body) {
      const bytes = chunk as Buffer
      received += bytes.length
      if (received > limits.maxBytes) throw limits.tooLarge(received)
      chunks.push(bytes)
    }
  } catch (error) {
    destroyQuietly(body)
    throw error
  } finally {
    clearTimeout(timer)
  }
  return Buffer.concat(chunks)
}

function tooSlow(): Error {
  return Object.assign(new Error('the answer took too long'), { code: 'UND_ERR_BODY_TIMEOUT' })
}

/** Frees the connection: reads a short rest, and closes on a long or slow one. */
export async function discard({ body }: Exchange): Promise<void> {
  try {
    await body.dump({ limit: 64 * 1024, signal: AbortSignal.timeout(2000) })
  } catch {
    destroyQuietly(body)
  }
}

function destroyQuietly(body: Exchange['body']): void {
  body.on('error', () => {})
  body.destroy()
}

/** The answer with the start of its body, for an error message. */
export async function readRefusal({ status, headers, body }: Exchange): Promise<RefusedAnswer> {
  const chunks: Buffer[] = []
  let received = 0
  const timer = setTimeout(() => body.destroy(tooSlow()), 2000)
  try {
    for await (const chunk of body) {
      chunks.push(chunk as Buffer)
      received += (chunk as Buffer).length
      if (received >= MAX_ERROR_BYTES) break
    }
  } catch {
    // The status says enough.
  } finally {
    clearTimeout(timer)
    destroyQuietly(body)
  }
  return { status, headers, body: Buffer.concat(chunks).toString('utf8').slice(0, MAX_ERROR_BYTES) }
}

export function header(headers: ResponseHeaders, name: string): string | undefined {
  const value = headers[name]
  return Array.isArray(value) ? value[0] : value
}

export function headerList(headers: RefusedAnswer['headers'], name: string): readonly string[] {
  const value = headers[name]
  if (value === undefined) return []
  return typeof value === 'string' ? [value] : value
}

/** Announced bytes of the body; `undefined` where the peer announces none, or nonsense. */
export function contentLength(headers: ResponseHeaders): number | undefined {
  const text = header(headers, 'content-length')
  return text !== undefined && /^\d{1,16}$/.test(text) ? Number(text) : undefined
}
