/**
 * Configurations written back as files, as `oc-mirror` v2 writes its pinned ones. Pure.
 *
 * Keys are sorted, and what is empty or `false` is left out, except `packages`: null where the user left it out. Text
 * that a YAML 1.1 reader would take for a number, a date or a boolean is quoted.
 */
import { Document, Scalar, visit } from 'yaml'
import type { ImageSetConfig } from './image-set-config.ts'
import { API_VERSION } from './image-set-schema.ts'

/** Plain words and numbers that YAML 1.1, which Go reads, does not take for strings. */
const WORD = /^(?:~|null|y|n|yes|no|on|off|true|false|\.nan|[-+]?\.inf)?$/i
const NUMBER =
  /^[-+]?(?:0[xX][0-9a-fA-F_]+|0b[01_]+|0o?[0-7_]+|[0-9][0-9_]*(?:\.[0-9_]*)?(?:[eE][-+]?[0-9]+)?|\.[0-9_]+(?:[eE][-+]?[0-9]+)?)$/
const SEXAGESIMAL = /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$/
const DATE = /^\d{4}-\d{1,2}-\d{1,2}(?:$|(?:[Tt]|[ \t]+)\d)/

/**
 * The text of `isc_pinned_*.yaml` or, naming the same images to delete, of `disc_pinned_*.yaml`.
 *
 * @param config What was pinned already: nothing is resolved here.
 */
export function renderPinned(
  config: ImageSetConfig,
  options: { readonly kind: 'ImageSetConfiguration' | 'DeleteImageSetConfiguration' },
): string {
  const { archiveSize, mirror } = config
  const { platform, additionalImages, helm } = mirror
  const operators = mirror.operators.map((operator) => ({ ...operator, packages: operator.packages ?? null }))
  const head = { apiVersion: API_VERSION, kind: options.kind }
  const value =
    options.kind === 'ImageSetConfiguration'
      ? { ...head, ...withoutEmpty({ archiveSize }), mirror: withoutEmpty({ ...mirror, operators }) }
      : { ...head, delete: withoutEmpty({ platform, operators, additionalImages, helm }) }
  const document = new Document(value, { sortMapEntries: true, aliasDuplicateObjects: false })
  visit(document, {
    Scalar: (_, node) => {
      if (typeof node.value === 'string' && isAmbiguous(node.value)) node.type = Scalar.QUOTE_DOUBLE
    },
  })
  return document.toString({ indentSeq: false, lineWidth: 0, singleQuote: true })
}

/** As Go's `omitempty` leaves things out, at every depth. */
function withoutEmpty(record: object): Record<string, unknown> {
  const kept = Object.entries(record)
    .filter(([key, value]) => key === 'packages' || !(Array.isArray(value) && value.length === 0))
    .map(([key, value]): [string, unknown] => [key, withoutEmptyParts(value)])
    .filter(([, value]) => value !== undefined && value !== false && value !== 0 && value !== '')
  return Object.fromEntries(kept)
}

function withoutEmptyParts(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutEmptyParts)
  if (value === null || typeof value !== 'object') return value
  const record = withoutEmpty(value)
  return Object.keys(record).length === 0 ? undefined : record
}

function isAmbiguous(text: string): boolean {
  return WORD.test(text) || NUMBER.test(text) || SEXAGESIMAL.test(text) || DATE.test(text)
}
