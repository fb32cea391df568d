/**
 * ImageDigestMirrorSet and ImageTagMirrorSet: where a cluster finds the copies. Pure.
 *
 * An image whose repository keeps its path is covered by an entry for its whole
 * namespace; one that was renamed, or nested, by an entry of its own.
 *
 * Spec: `config.openshift.io/v1`, as `oc-mirror` v2 fills it.
 */
import { parseImageName } from '../oci/image-name.ts'
import type { ImageKind } from '../plan/collection.ts'
import type { PlannedImage } from '../plan/plan-types.ts'
import { renderDocument } from './document.ts'
import type { DocumentMetadata } from './document.ts'

export type MirrorSetKind = 'ImageDigestMirrorSet' | 'ImageTagMirrorSet'

export interface MirrorEntry {
  readonly source: string
  readonly mirrors: readonly string[]
}

/** Entries by category: `release`, `operator`, `generic`. */
export type MirrorSets = Readonly<Record<string, readonly MirrorEntry[]>>

const KINDS = {
  ImageDigestMirrorSet: { short: 'idms', list: 'imageDigestMirrors' },
  ImageTagMirrorSet: { short: 'itms', list: 'imageTagMirrors' },
} as const

const CATEGORY: Readonly<Record<ImageKind, 'release' | 'operator' | 'generic' | undefined>> = {
  ocpRelease: 'release',
  ocpReleaseContent: 'release',
  operatorBundle: 'operator',
  operatorRelatedImage: 'operator',
  generic: 'generic',
  helmImage: 'generic',
  // The cluster names these by their place in the mirror.
  cincinnatiGraph: undefined,
  operatorCatalog: undefined,
}

/** @param keepsPaths False where `--max-nested-paths` may have renamed any repository: then each gets an entry of its own. */
export function mirrorSets(kind: MirrorSetKind, images: readonly PlannedImage[], keepsPaths: boolean): MirrorSets {
  const sets: Record<string, MirrorEntry[]> = {}
  for (const image of images) {
    const category = CATEGORY[image.wanted.kind]
    if (category === undefined || !belongs(kind, image)) continue
    const entry = entryOf(image, keepsPaths)
    if (entry !== undefined) sets[category] = [...(sets[category] ?? []), entry]
  }
  return mergeSets(sets, {})
}

/** The entries of both, each source once with all its mirrors, sorted by source. */
export function mergeSets(first: MirrorSets, second: MirrorSets): MirrorSets {
  const categories = [...new Set([...Object.keys(first), ...Object.keys(second)])].toSorted()
  return Object.fromEntries(
    categories.map((category) => {
      const bySource = new Map<string, Set<string>>()
      for (const { source, mirrors } of [...(first[category] ?? []), ...(second[category] ?? [])]) {
        bySource.set(source, new Set([...(bySource.get(source) ?? []), ...mirrors]))
      }
      const entries = [...bySource].toSorted(([a], [b]) => (a < b ? -1 : 1))
      return [category, entries.map(([source, mirrors]) => ({ source, mirrors: [...mirrors].toSorted() }))]
    }),
  )
}

/** One document for each category; `undefined` where there is no entry. */
export function renderMirrorSets(
  kind: MirrorSetKind,
  sets: MirrorSets,
  metadata: DocumentMetadata,
): string | undefined {
  const { short, list } = KINDS[kind]
  const documents = Object.entries(sets).flatMap(([category, entries]) =>
    entries.length === 0
      ? []
      : [
          renderDocument(
            { apiVersion: 'config.openshift.io/v1', kind, name: `${short}-${category}-0`, spec: { [list]: entries } },
            metadata,
          ),
        ],
  )
  return documents.length === 0 ? undefined : documents.join('')
}

/** A release is named by tag, and by digest by the installer; an image by tag and digest is pulled either way. */
function belongs(kind: MirrorSetKind, { wanted }: PlannedImage): boolean {
  const { tag, digest } = wanted.sourceHas
  return kind === 'ImageDigestMirrorSet' ? digest || wanted.kind === 'ocpRelease' : tag
}

function entryOf({ wanted, target }: PlannedImage, keepsPaths: boolean): MirrorEntry | undefined {
  const name = parseImageName(wanted.source)
  if (name.transport !== 'docker') return undefined
  const isKept =
    keepsPaths && (target.repository === name.repository || target.repository.endsWith(`/${name.repository}`))
  const cut = isKept ? name.repository.length - parentOf(name.repository).length : 0
  return {
    source: `${name.registry}/${name.repository}`.slice(0, -cut || undefined).replace(/\/$/, ''),
    mirrors: [`${target.registry}/${target.repository}`.slice(0, -cut || undefined).replace(/\/$/, '')],
  }
}

/** `a/b/c` → `a/b`, `a` → ''. */
function parentOf(repository: string): string {
  return repository.slice(0, Math.max(repository.lastIndexOf('/'), 0))
}
