/**
 * A cluster document as `oc-mirror` v2 writes one: keys sorted, creation noted. Pure.
 *
 * YAML 1.1, since Kubernetes' reader is: a time or a `yes` that stands for text is quoted.
 */
import { stringify } from 'yaml'

export interface DocumentMetadata {
  /** RFC 3339 in UTC, to the second. */
  readonly createdAt: string
  /** Version of this program. */
  readonly version: string
}

export interface DocumentContent {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
  readonly spec: unknown
}

/** Starts with `---`, so that documents can be strung together. */
export function renderDocument(
  { apiVersion, kind, name, spec }: DocumentContent,
  { createdAt, version }: DocumentMetadata,
): string {
  const annotations = { createdAt, createdBy: 'oc-mirror v2', 'oc-mirror_version': version }
  const document = { apiVersion, kind, metadata: { annotations, name }, spec }
  return `---\n${stringify(document, { version: '1.1', sortMapEntries: true, lineWidth: 0, indentSeq: false })}`
}
