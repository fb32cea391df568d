import { describe, expect, it } from 'vitest'
import { parsePayload } from './signature-payload.ts'
import type { SignaturePayload } from './signature-payload.ts'

const DIGEST = `sha256:${'a'.repeat(64)}`
const SIMPLE = 'atomic container signature'
const COSIGN = 'cosign container image signature'
const CRITICAL = {
  type: SIMPLE,
  image: { 'docker-manifest-digest': DIGEST },
  identity: { 'docker-reference': 'quay.io/a:v1' },
}

const parse = (value: unknown, type: typeof SIMPLE | typeof COSIGN = SIMPLE): SignaturePayload =>
  parsePayload(Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)), type)

describe('parsePayload', () => {
  it.each([
    [{ critical: CRITICAL, optional: {} }, SIMPLE],
    [{ optional: { creator: 'me', timestamp: 1458239713, other: [1] }, critical: CRITICAL }, SIMPLE],
    [{ critical: { ...CRITICAL, type: COSIGN }, optional: null }, COSIGN],
    [{ critical: { ...CRITICAL, type: COSIGN }, optional: { a: 'b' } }, COSIGN],
  ] as const)('reads %j', (value, type) => {
    expect(parse(value, type)).toEqual({ digest: DIGEST, name: 'quay.io/a:v1' })
  })

  it.each([
    ['', 'JSON'],
    ['[]', 'payload is not an object'],
    [{ critical: CRITICAL }, 'payload has no member "optional"'],
    [{ critical: CRITICAL, optional: {}, extra: 1 }, 'payload has an unknown member "extra"'],
    [{ critical: CRITICAL, optional: null }, 'optional is not an object'],
    [{ critical: [], optional: {} }, 'critical is not an object'],
    [{ critical: { ...CRITICAL, type: COSIGN }, optional: {} }, 'unrecognized signature type'],
    [{ critical: { ...CRITICAL, extra: 1 }, optional: {} }, 'critical has an unknown member "extra"'],
    [{ critical: { ...CRITICAL, image: {} }, optional: {} }, 'image has no member'],
    [{ critical: { ...CRITICAL, identity: { 'docker-reference': 1 } }, optional: {} }, 'not a string'],
    [{ critical: { ...CRITICAL, image: { 'docker-manifest-digest': 'sha256:0' } }, optional: {} }, 'not a digest'],
    [{ critical: CRITICAL, optional: { timestamp: 1.5 } }, 'timestamp is not an integer'],
    [{ critical: CRITICAL, optional: { creator: 1 } }, 'creator is not a string'],
    [`{"critical": ${JSON.stringify(CRITICAL)}, "optional": {}, "optional": {}}`, 'duplicate key "optional"'],
  ])('refuses %j', (value, message) => {
    expect(() => parse(value)).toThrow(message)
  })
})
