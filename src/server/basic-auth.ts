/**
 * Basic authentication against one user name and password.
 *
 * Both are hashed before they are compared, so that the time of a comparison tells
 * nothing of either.
 *
 * Spec: https://www.rfc-editor.org/rfc/rfc7617
 */
import { createHash, timingSafeEqual } from 'node:crypto'

export interface BasicCredentials {
  readonly username: string
  readonly password: string
}

/** Whether an `Authorization` header carries `expected`. */
export function isAuthorized(header: string | undefined, expected: BasicCredentials): boolean {
  const encoded = /^basic +(?<encoded>[A-Za-z0-9+/=]{1,4096})$/i.exec(header ?? '')?.groups?.['encoded']
  if (encoded === undefined) return false
  return timingSafeEqual(hash(Buffer.from(encoded, 'base64')), hash(`${expected.username}:${expected.password}`))
}

function hash(data: string | Buffer): Buffer {
  return createHash('sha256').update(data).digest()
}
