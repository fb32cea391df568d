import { describe, expect, it } from 'vitest'
import type { SignedIdentity } from '../config/policy-types.ts'
import { parseReference } from '../oci/reference.ts'
import { matchesIdentity } from './signed-identity.ts'

const A = `sha256:${'a'.repeat(64)}`
const B = `sha256:${'b'.repeat(64)}`
const REMAP = { type: 'remapIdentity', prefix: 'm.io:5000/ocp', signedPrefix: 'quay.io/openshift' } as const

describe('matchesIdentity', () => {
  it.each<[SignedIdentity, string, string, boolean]>([
    [{ type: 'matchExact' }, 'quay.io/a:v1', 'quay.io/a:v1', true],
    [{ type: 'matchExact' }, 'quay.io/a:v1', 'quay.io/a:v2', false],
    [{ type: 'matchExact' }, 'quay.io/a:v1', 'quay.io/a', false],
    [{ type: 'matchExact' }, 'quay.io/a:v1', `quay.io/a:v1@${A}`, false],
    [{ type: 'matchExact' }, `quay.io/a@${A}`, `quay.io/a@${A}`, true],
    [{ type: 'matchExact' }, `quay.io/a@${A}`, 'quay.io/a:v1', false],
    [{ type: 'matchExact' }, 'docker.io/library/busybox:v1', 'busybox:v1', true],
    [{ type: 'matchRepoDigestOrExact' }, 'quay.io/a:v1', 'quay.io/a:v1', true],
    [{ type: 'matchRepoDigestOrExact' }, 'quay.io/a:v1', 'quay.io/a:v2', false],
    [{ type: 'matchRepoDigestOrExact' }, 'quay.io/a:v1', `quay.io/a@${A}`, false],
    [{ type: 'matchRepoDigestOrExact' }, `quay.io/a@${A}`, 'quay.io/a:v1', true],
    [{ type: 'matchRepoDigestOrExact' }, `quay.io/a@${A}`, `quay.io/a@${B}`, true],
    [{ type: 'matchRepoDigestOrExact' }, `quay.io/a@${A}`, 'quay.io/a', false],
    [{ type: 'matchRepoDigestOrExact' }, `quay.io/a@${A}`, 'quay.io/b:v1', false],
    [{ type: 'matchRepoDigestOrExact' }, `quay.io/a:v1@${A}`, 'quay.io/a:v1', false],
    [{ type: 'matchRepository' }, 'quay.io/a:v1', 'quay.io/a:v2', true],
    [{ type: 'matchRepository' }, 'quay.io/a:v1', 'quay.io/a', true],
    [{ type: 'matchRepository' }, 'quay.io/a:v1', 'quay.io/a/b:v1', false],
    [{ type: 'exactReference', dockerReference: 'q.io/x:v9' }, 'any.io/a:v1', 'q.io/x:v9', true],
    [{ type: 'exactReference', dockerReference: 'q.io/x:v9' }, 'q.io/x:v1', 'q.io/x:v1', false],
    [{ type: 'exactRepository', dockerRepository: 'q.io/x' }, 'any.io/a:v1', 'q.io/x', true],
    [{ type: 'exactRepository', dockerRepository: 'q.io/x' }, 'any.io/a:v1', 'q.io/x:v2', true],
    [{ type: 'exactRepository', dockerRepository: 'q.io/x' }, 'q.io/x/y:v1', 'q.io/x/y:v1', false],
    [REMAP, 'm.io:5000/ocp/release:v1', 'quay.io/openshift/release:v1', true],
    [REMAP, `m.io:5000/ocp@${A}`, 'quay.io/openshift:v1', true],
    [REMAP, 'm.io:5000/ocp/release:v1', 'm.io:5000/ocp/release:v1', false],
    [REMAP, 'm.io:5000/ocp2/release:v1', 'm.io:5000/ocp2/release:v1', true],
    [REMAP, 'm.io:5000/ocp2/release:v1', 'quay.io/openshift2/release:v1', false],
    [REMAP, 'm.io:5000/ocp/release:v1', 'quay.io/openshift/release:v2', false],
    [{ type: 'matchRepository' }, 'quay.io/a:v1', 'not a name', false],
  ])('%j lets %s pass with a signature for %s: %s', (rule, image, signed, expected) => {
    expect(matchesIdentity(rule, parseReference(image), signed)).toBe(expected)
  })
})
