/**
 * Manifests and indexes: bytes as received, with a parsed view beside them. Pure.
 *
 * The bytes are what is stored, pushed and hashed; the view only answers what a
 * manifest names. It is never serialized again.
 *
 * Spec: https://github.com/opencontainers/image-spec/blob/v1.1.1/manifest.md and image-index.md
 */
import { AirliftError, hasCode } from '../base/errors.ts'
import type { Descriptor } from './descriptor.ts'
import { parseDescriptor, readRecord } from './descriptor-schema.ts'
import { digestOf } from './digest.ts'
import type { Digest, DigestAlgorithm } from './digest.ts'
import { isImageMediaType, isIndexMediaType, isSchema1MediaType, MEDIA_TYPE } from './media-type.ts'

/** Largest manifest that is read, in bytes: what distribution accepts, and the specification's advice. */
export const MAX_MANIFEST_BYTES: number = 4 * 1024 * 1024

/** Most descriptors in one manifest that are believed. */
const MAX_DESCRIPTORS = 50_000

interface ManifestBase {
  /** Exactly what the peer sent. */
  readonly bytes: Uint8Array
  readonly descriptor: Descriptor
  readonly subject: Descriptor | undefined
  readonly annotations: Readonly<Record<string, string>>
}

interface ImageManifest extends ManifestBase {
  readonly kind: 'image'
  readonly config: Descriptor
  readonly layers: readonly Descriptor[]
}

export interface IndexManifest extends ManifestBase {
  readonly kind: 'index'
  readonly manifests: readonly Descriptor[]
}

export type Manifest = ImageManifest | IndexManifest

export interface ParseManifestOptions {
  /** `Content-Type` of the answer, or the media type of the descriptor that led here. */
  readonly mediaType?: string | undefined
  readonly algorithm?: DigestAlgorithm
}

/**
 * @throws {AirliftError} `MANIFEST_TOO_LARGE`, `MANIFEST_UNSUPPORTED` (schema 1, or a type that we do not
 *   know), `MANIFEST_INVALID` (not JSON, or a descriptor in it is not one).
 */
export function parseManifest(bytes: Uint8Array, options: ParseManifestOptions = {}): Manifest {
  if (bytes.length > MAX_MANIFEST_BYTES) {
    throw new AirliftError('MANIFEST_TOO_LARGE', `manifest of ${bytes.length} bytes exceeds ${MAX_MANIFEST_BYTES}`)
  }
  const digest = digestOf(bytes, options.algorithm)
  try {
    return readManifest(bytes, digest, options.mediaType)
  } catch (error) {
    if (hasCode(error, 'MANIFEST_UNSUPPORTED')) throw error
    throw new AirliftError('MANIFEST_INVALID', `manifest ${digest} cannot be read`, { cause: error })
  }
}

function readManifest(bytes: Uint8Array, digest: Digest, declared: string | undefined): Manifest {
  const json = readRecord(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)), 'manifest')
  const mediaType = manifestMediaType(json, declared)
  const subject = json['subject'] === undefined ? undefined : parseDescriptor(json['subject'], 'subject')
  const base = {
    bytes,
    descriptor: { mediaType, digest, size: bytes.length },
    subject,
    annotations: stringMap(json['annotations']),
  }
  if (isIndexMediaType(mediaType)) {
    return { kind: 'index', ...base, manifests: descriptors(json['manifests'], 'manifests') }
  }
  return {
    kind: 'image',
    ...base,
    config: parseDescriptor(json['config'], 'config'),
    layers: descriptors(json['layers'], 'layers'),
  }
}

/** The body's own `mediaType` wins; a manifest without one is told apart by its members. */
function manifestMediaType(json: Readonly<Record<string, unknown>>, declared: string | undefined): string {
  const own = json['mediaType']
  const named = typeof own === 'string' ? own : declared?.split(';')[0]?.trim()
  if (json['schemaVersion'] === 1 || (named !== undefined && isSchema1MediaType(named))) {
    throw new AirliftError(
      'MANIFEST_UNSUPPORTED',
      'the image has a Docker schema 1 manifest, which has no stable digest',
      {
        hint: 'push the image again with a current tool, or leave it out',
      },
    )
  }
  if (named !== undefined && (isIndexMediaType(named) || isImageMediaType(named))) return named
  if (Array.isArray(json['manifests'])) return MEDIA_TYPE.ociIndex
  if (json['config'] !== undefined && Array.isArray(json['layers'])) return MEDIA_TYPE.ociManifest
  throw new AirliftError('MANIFEST_UNSUPPORTED', `manifest type ${JSON.stringify(named ?? 'unknown')} is not supported`)
}

function descriptors(value: unknown, what: string): Descriptor[] {
  if (value === null || value === undefined) return []
  if (!Array.isArray(value)) throw new Error(`${what} is not a list`)
  if (value.length > MAX_DESCRIPTORS)
    throw new Error(`${what} has ${value.length} entries, more than ${MAX_DESCRIPTORS}`)
  return value.map((entry, index) => parseDescriptor(entry, `${what}[${index}]`))
}

function stringMap(value: unknown): Record<string, string> {
  if (value === null || typeof value !== 'object') return {}
  return Object.fromEntries(
    Object.entries(value).filter((pair): pair is [string, string] => typeof pair[1] === 'string'),
  )
}

/** What a manifest names, in its order: the children that must be at a target before it. Foreign layers included. */
export function childrenOf(manifest: Manifest): readonly Descriptor[] {
  return manifest.kind === 'index' ? manifest.manifests : [manifest.config, ...manifest.layers]
}
