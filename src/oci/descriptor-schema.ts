/** Reads descriptors out of JSON that a peer wrote. Pure; throws plain errors that the caller wraps. */
import type { Descriptor } from './descriptor.ts'
import { parseDigest } from './digest.ts'
import type { Platform } from './platform.ts'

/** Largest blob size that is believed, in bytes: 1 PiB. */
const MAX_BLOB_BYTES = 2 ** 50

export function readRecord(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) throw new Error(`${what} is not an object`)
  return value as Record<string, unknown>
}

export function parseDescriptor(value: unknown, what: string): Descriptor {
  const json = readRecord(value, what)
  const { mediaType, digest, size, artifactType, annotations, urls } = json
  if (typeof mediaType !== 'string') throw new Error(`${what} has no mediaType`)
  if (typeof digest !== 'string') throw new Error(`${what} has no digest`)
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0 || size > MAX_BLOB_BYTES) {
    throw new Error(`${what} has no valid size`)
  }
  const platform = parsePlatform(json['platform'])
  return {
    mediaType,
    digest: parseDigest(digest),
    size,
    ...(platform !== undefined && { platform }),
    ...(typeof artifactType === 'string' && { artifactType }),
    ...(annotations !== null &&
      typeof annotations === 'object' && { annotations: annotations as Record<string, string> }),
    ...(Array.isArray(urls) && { urls: urls.filter((url) => typeof url === 'string') }),
  }
}

function parsePlatform(value: unknown): Platform | undefined {
  if (value === null || typeof value !== 'object') return undefined
  const { os, architecture, variant } = value as Record<string, unknown>
  if (typeof os !== 'string' || typeof architecture !== 'string') return undefined
  return { os, architecture, ...(typeof variant === 'string' && variant !== '' && { variant }) }
}
