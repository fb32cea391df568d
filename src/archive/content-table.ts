/**
 * What the volumes of an archive hold, by digest and by name: built from their
 * entries, volume after volume, the later ones winning for tags and files.
 *
 * Costs some 100 bytes for each blob, link and file; the number of them is bounded.
 */
import { AirliftError } from '../base/errors.ts'
import { isDigest } from '../oci/digest.ts'
import type { Digest } from '../oci/digest.ts'
import { BLOBS, parseEntryName } from './parse-entry-name.ts'
import type { ContentLocation, ListedImage } from './reading-types.ts'
import type { VolumeFile } from './volume-file.ts'

export interface TableEntry {
  readonly name: string
  readonly offset: number
  readonly size: number
  /** As an index says it, which has it right for blobs: their names are made of it. */
  readonly digest?: Digest
}

/** Content in a volume that is open. */
export interface StoredRange {
  readonly file: VolumeFile
  readonly volume: ContentLocation['volume']
  readonly offset: number
  readonly size: number
  /** Where an index says it. */
  readonly digest?: Digest
}

/** What is linked in one repository. */
export class RepositoryTable {
  /** A link is read when somebody asks for its tag. */
  readonly tags: Map<string, Digest | StoredRange> = new Map()
  readonly #layers = new Set<Digest>()
  readonly #revisions = new Set<Digest>()
  /** Names that nobody has looked at: most of an archive's entries are links of repositories that nobody asks for. */
  #names: string[] = []

  get layers(): Set<Digest> {
    this.#parseNames()
    return this.#layers
  }

  /** Manifests. */
  get revisions(): Set<Digest> {
    this.#parseNames()
    return this.#revisions
  }

  addLink(name: string): void {
    this.#names.push(name)
  }

  #parseNames(): void {
    if (this.#names.length === 0) return
    for (const name of this.#names) {
      const parsed = parseEntryName(name)
      if (parsed.kind === 'layer') this.#layers.add(parsed.digest)
      if (parsed.kind === 'revision') this.#revisions.add(parsed.digest)
    }
    this.#names = []
  }
}

/** Entries of all volumes together. The biggest mirrors of the field have some 400,000. */
const MAX_ENTRIES = 4_000_000
const MAX_LINK_BYTES = 256

export class ContentTable {
  readonly blobs: Map<Digest, StoredRange> = new Map()
  readonly files: Map<string, StoredRange> = new Map()
  readonly repositories: Map<string, RepositoryTable> = new Map()
  #entries = 0
  /** Links of a repository come one after the other. */
  #last: { readonly prefix: string; readonly table: RepositoryTable } | undefined

  /** @throws {AirliftError} `ARCHIVE_INVALID` once there are too many. */
  add({ name, offset, size, digest }: TableEntry, { file, volume }: Pick<StoredRange, 'file' | 'volume'>): void {
    this.#entries += 1
    if (this.#entries > MAX_ENTRIES) {
      throw new AirliftError('ARCHIVE_INVALID', `the volumes up to ${file.path} have more than ${MAX_ENTRIES} entries`)
    }
    if (digest !== undefined && name.startsWith(BLOBS)) {
      this.blobs.set(digest, { file, volume, offset, size })
      return
    }
    if (this.#last !== undefined && name.startsWith(this.#last.prefix) && isDigestLink(name, this.#last.prefix)) {
      this.#last.table.addLink(name)
      return
    }
    const parsed = parseEntryName(name)
    switch (parsed.kind) {
      case 'blob':
        this.blobs.set(parsed.digest, { file, volume, offset, size })
        return
      case 'layer':
      case 'revision': {
        const table = this.#repository(parsed.repository)
        table.addLink(name)
        this.#last = { prefix: name.slice(0, name.indexOf('/_') + 2), table }
        return
      }
      case 'tag':
        this.#repository(parsed.repository).tags.set(parsed.tag, { file, volume, offset, size })
        return
      case 'file':
        this.files.set(name, { file, volume, offset, size, ...(digest !== undefined && { digest }) })
        return
      case 'passed-over':
        return
    }
  }

  /** Links of an image as its index has them: those in the first volume of a set may be out of reach. */
  addImage({ repository, tag, digest, content = [] }: ListedImage): void {
    const table = this.#repository(repository)
    for (const child of content) {
      table.layers.add(child)
      table.revisions.add(child)
    }
    table.revisions.add(digest)
    if (!table.tags.has(tag)) table.tags.set(tag, digest)
  }

  #repository(name: string): RepositoryTable {
    const known = this.repositories.get(name)
    if (known !== undefined) return known
    const made = new RepositoryTable()
    this.repositories.set(name, made)
    return made
  }
}

function isDigestLink(name: string, prefix: string): boolean {
  return name.startsWith('layers/', prefix.length) || name.startsWith('manifests/revisions/', prefix.length)
}

/** What a tag points at; `undefined` where there is no such tag, or its link is none. */
export function taggedDigest({ tags }: RepositoryTable, tag: string): Digest | undefined {
  const target = tags.get(tag)
  if (typeof target !== 'object') return target
  if (target.size > MAX_LINK_BYTES) return undefined
  const text = target.file.readExactly(target.offset, target.size).toString('latin1').trim()
  if (!isDigest(text)) return undefined
  tags.set(tag, text)
  return text
}
