/**
 * The JSON that is signed, in simple signing and in cosign's variant of it: which digest has which name. Pure.
 *
 * Read only after the signature around it has been verified, and strictly: nothing may be missing from `critical`,
 * or be there that is not known.
 *
 * Spec: https://github.com/containers/image/blob/v5.36.2/docs/containers-signature.5.md#json-data-format
 */
import { isJsonObject, parseStrictJson } from '../config/strict-json.ts'
import { isDigest } from '../oci/digest.ts'
import type { Digest } from '../oci/digest.ts'

export type PayloadType = 'atomic container signature' | 'cosign container image signature'

export interface SignaturePayload {
  readonly digest: Digest
  /** `docker-reference`, as it was signed. */
  readonly name: string
}

/** @throws {Error} saying what is wrong. */
export function parsePayload(bytes: Uint8Array, type: PayloadType): SignaturePayload {
  const payload = exactMembers(parseStrictJson(decode(bytes)), ['critical', 'optional'], 'payload')
  const critical = exactMembers(payload['critical'], ['type', 'image', 'identity'], 'critical')
  if (critical['type'] !== type) throw new Error(`unrecognized signature type ${JSON.stringify(critical['type'])}`)
  const { 'docker-manifest-digest': digest } = exactMembers(critical['image'], ['docker-manifest-digest'], 'image')
  const { 'docker-reference': name } = exactMembers(critical['identity'], ['docker-reference'], 'identity')
  if (typeof digest !== 'string' || !isDigest(digest)) throw new Error('docker-manifest-digest is not a digest')
  if (typeof name !== 'string') throw new Error('docker-reference is not a string')
  checkOptional(payload['optional'], type)
  return { digest, name }
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
}

/** Members that are not known may stand here. cosign writes `null` for none. */
function checkOptional(optional: unknown, type: PayloadType): void {
  if (optional === null && type === 'cosign container image signature') return
  if (!isJsonObject(optional)) throw new Error('optional is not an object')
  const { creator, timestamp } = optional
  if (creator !== undefined && typeof creator !== 'string') throw new Error('optional.creator is not a string')
  if (timestamp !== undefined && !Number.isInteger(timestamp)) throw new Error('optional.timestamp is not an integer')
}

function exactMembers(value: unknown, names: readonly string[], place: string): Readonly<Record<string, unknown>> {
  if (!isJsonObject(value)) throw new Error(`${place} is not an object`)
  const unknown = Object.keys(value).find((name) => !names.includes(name))
  if (unknown !== undefined) throw new Error(`${place} has an unknown member ${JSON.stringify(unknown)}`)
  const missing = names.find((name) => !Object.hasOwn(value, name))
  if (missing !== undefined) throw new Error(`${place} has no member ${JSON.stringify(missing)}`)
  return value
}
