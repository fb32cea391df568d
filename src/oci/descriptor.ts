/**
 * Descriptors: what content is, and how much of it. Pure.
 *
 * Spec: https://github.com/opencontainers/image-spec/blob/v1.1.1/descriptor.md
 */
import type { Digest } from './digest.ts'
import type { Platform } from './platform.ts'

export interface Descriptor {
  readonly mediaType: string
  readonly digest: Digest
  /** Bytes. */
  readonly size: number
  readonly platform?: Platform
  readonly artifactType?: string
  readonly annotations?: Readonly<Record<string, string>>
  /** Where a non-distributable layer can be fetched. */
  readonly urls?: readonly string[]
}
