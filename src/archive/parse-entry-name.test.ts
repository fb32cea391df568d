import { expect, it } from 'vitest'
import { digestHex, digestOf } from '../oci/digest.ts'
import { parseEntryName } from './parse-entry-name.ts'

const DIGEST = digestOf(Buffer.from('content'))
const LONG = digestOf(Buffer.from('content'), 'sha512')
const HEX = digestHex(DIGEST)
const BLOBS = 'docker/registry/v2/blobs'
const TEAM = 'docker/registry/v2/repositories/a/team'

it.each([
  [`${BLOBS}/sha256/${HEX.slice(0, 2)}/${HEX}/data`, { kind: 'blob', digest: DIGEST }],
  [`${BLOBS}/sha512/${digestHex(LONG).slice(0, 2)}/${digestHex(LONG)}/data`, { kind: 'blob', digest: LONG }],
  [`${TEAM}/_layers/sha256/${HEX}/link`, { kind: 'layer', repository: 'a/team', digest: DIGEST }],
  [`${TEAM}/_manifests/revisions/sha256/${HEX}/link`, { kind: 'revision', repository: 'a/team', digest: DIGEST }],
  [`${TEAM}/_manifests/tags/v1.0/current/link`, { kind: 'tag', repository: 'a/team', tag: 'v1.0' }],
  [`${TEAM}/_manifests/tags/v1.0/index/sha256/${HEX}/link`, { kind: 'passed-over' }],
  [`${TEAM}/_uploads/7c1e/startedat`, { kind: 'passed-over' }],
  [`${BLOBS}/sha256/00/${HEX}/data`, { kind: 'passed-over' }],
  [`${BLOBS}/sha256/${HEX.slice(0, 2)}/${HEX.slice(1)}/data`, { kind: 'passed-over' }],
  [`${BLOBS}/sha512/${HEX.slice(0, 2)}/${HEX}/data`, { kind: 'passed-over' }],
  [`docker/registry/v2/repositories/A Team/_layers/sha256/${HEX}/link`, { kind: 'passed-over' }],
  [`${TEAM}/_manifests/tags/-v1/current/link`, { kind: 'passed-over' }],
  ['airlift/index.json', { kind: 'passed-over' }],
  ['airlift/void/3', { kind: 'passed-over' }],
  ['airlift/plan.json', { kind: 'file' }],
  ['working-dir/isc_pinned.yaml', { kind: 'file' }],
  ['isc_2026-01-16T11:15:20Z', { kind: 'file' }],
])('takes %s for what it is', (name, expected) => {
  expect(parseEntryName(name)).toEqual(expected)
})
