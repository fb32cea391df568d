/**
 * Digests: the names of immutable content, such as `sha256:2cf2…9824`.
 *
 * A `Digest` has been checked. Code that holds one never validates it again, and
 * code that holds a `string` from outside calls {@link parseDigest} first.
 *
 * Spec: https://github.com/opencontainers/image-spec/blob/v1.1.1/descriptor.md#digests
 */
import { createHash } from 'node:crypto'
import { AirliftError } from '../base/errors.ts'

declare const digestBrand: unique symbol

/** `<algorithm>:<lowercase hex>`, with an algorithm and a length we support. */
export type Digest = string & { readonly [digestBrand]: true }

export type DigestAlgorithm = 'sha256' | 'sha512'
/** Without groups: an archive's index has hundreds of thousands of digests. */
const SHA256 = /^sha256:[0-9a-f]{64}$/
const SHA512 = /^sha512:[0-9a-f]{128}$/

/** @throws {AirliftError} `DIGEST_INVALID`. */
export function parseDigest(text: string): Digest {
  if (!isDigest(text)) throw new AirliftError('DIGEST_INVALID', `not a digest: ${JSON.stringify(text.slice(0, 200))}`)
  return text
}

export function isDigest(text: string): text is Digest {
  return SHA256.test(text) || SHA512.test(text)
}

export function digestAlgorithm(digest: Digest): DigestAlgorithm {
  return digest.slice(0, digest.indexOf(':')) as DigestAlgorithm
}

export function digestHex(digest: Digest): string {
  return digest.slice(digest.indexOf(':') + 1)
}

/** Hashes small content, such as a manifest; blobs stream through `VerifyStream`. */
export function digestOf(bytes: Uint8Array, algorithm: DigestAlgorithm = 'sha256'): Digest {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}` as Digest
}
