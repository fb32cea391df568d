/**
 * Reads the mirror sets that an earlier run wrote, so that a later one can keep
 * their entries. Pure.
 */
import { parseAllDocuments } from 'yaml'
import { AirliftError } from '../base/errors.ts'
import type { MirrorEntry, MirrorSetKind, MirrorSets } from './mirror-sets.ts'

/**
 * @param file Name used in messages only.
 * @throws {AirliftError} `CONFIG_INVALID` where the file is not what a mirror run writes.
 */
export function readMirrorSets(kind: MirrorSetKind, text: string, file: string): MirrorSets {
  const sets: Record<string, readonly MirrorEntry[]> = {}
  for (const document of parseAllDocuments(text, { maxAliasCount: 0 } as Parameters<typeof parseAllDocuments>[1])) {
    const problem = 'errors' in document ? document.errors[0] : undefined
    const value: unknown = problem === undefined && 'toJS' in document ? document.toJS({ maxAliasCount: 0 }) : undefined
    const read = problem === undefined ? readDocument(kind, value) : undefined
    if (read === undefined) {
      throw new AirliftError('CONFIG_INVALID', `${file} is not a list of ${kind} documents`, {
        cause: problem,
        hint: 'move it away, or run without --cumulative-resources',
      })
    }
    sets[read.category] = read.entries
  }
  return sets
}

function readDocument(
  kind: MirrorSetKind,
  value: unknown,
): { category: string; entries: readonly MirrorEntry[] } | undefined {
  if (!isRecord(value) || value['kind'] !== kind || !isRecord(value['metadata']) || !isRecord(value['spec']))
    return undefined
  const category = /^i[dt]ms-(?<category>[a-z]+)-0$/.exec(String(value['metadata']['name']))?.groups?.['category']
  const list = value['spec'][kind === 'ImageDigestMirrorSet' ? 'imageDigestMirrors' : 'imageTagMirrors']
  if (category === undefined || !Array.isArray(list) || !list.every(isEntry)) return undefined
  return { category, entries: list.map(({ source, mirrors }) => ({ source, mirrors })) }
}

function isEntry(value: unknown): value is MirrorEntry {
  return (
    isRecord(value) &&
    typeof value['source'] === 'string' &&
    Array.isArray(value['mirrors']) &&
    value['mirrors'].every((mirror) => typeof mirror === 'string')
  )
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return value !== null && typeof value === 'object'
}
