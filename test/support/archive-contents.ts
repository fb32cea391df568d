/** Contents of archives, generated: names, sizes and what belongs to what, without the bytes of blobs. */
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs'
import fc from 'fast-check'
import type { ArchiveContent, ArchiveFile, ArchiveImage, VolumeLayout } from '../../src/archive/archive-types.ts'
import { linkEntries } from '../../src/archive/entry-names.ts'
import { tarHeader } from '../../src/archive/tar-header.ts'
import { digestOf } from '../../src/oci/digest.ts'
import type { Digest } from '../../src/oci/digest.ts'

export const CREATED_AT = '2026-01-16T11:15:20Z'
export const MTIME: number = Date.parse(CREATED_AT) / 1000

/** Different for each `seed`. */
export function someDigest(seed: string | number, algorithm: 'sha256' | 'sha512' = 'sha256'): Digest {
  return digestOf(Buffer.from(String(seed)), algorithm)
}

export interface SampleOptions {
  /** Bytes of each blob, in order. */
  readonly sizes: readonly number[]
  readonly repositories?: readonly string[]
  readonly files?: readonly ArchiveFile[]
  readonly seed?: string
}

/** Blobs dealt out to one image for each repository, with all links. */
export function sampleContent(options: SampleOptions): ArchiveContent {
  const { sizes, repositories = ['ns/sample'], files = [], seed = '' } = options
  const owned = sizes.map((size, index) => ({
    digest: someDigest(`${seed}/${index}`, index % 7 === 6 ? 'sha512' : 'sha256'),
    size,
    owner: repositories[index % repositories.length] ?? '',
  }))
  const images = repositories.map((repository): ArchiveImage => {
    const content = owned.filter(({ owner }) => owner === repository).map(({ digest }) => digest)
    return {
      id: `${repository}:v1`,
      kind: 'generic',
      origin: `quay.example/${repository}:v1`,
      repository,
      tag: 'v1',
      digest: content[0] ?? someDigest(repository),
      platforms: [{ os: 'linux', architecture: 'amd64' }],
      content,
    }
  })
  const linked = images.map(({ id, repository, tag, digest, content }) => ({
    id,
    repository,
    layers: content.slice(1),
    manifests: [digest],
    tags: [[tag, digest] as const],
  }))
  return {
    createdAt: CREATED_AT,
    identity: { id: someDigest('plan'), sequence: 1 },
    images,
    blobs: owned.map(({ digest, size, owner }) => ({ digest, size, images: [`${owner}:v1`] })),
    files: [...files, ...linkEntries(linked)],
  }
}

export function workspaceFile(name: string, bytes = 10): ArchiveFile {
  return { name, bytes: Buffer.alloc(bytes, name), images: [] }
}

const size = fc.oneof(
  { weight: 3, arbitrary: fc.nat(5000) },
  { weight: 3, arbitrary: fc.constantFrom(0, 1, 511, 512, 513, 1023, 1024, 1025) },
  { weight: 2, arbitrary: fc.nat(5_000_000) },
  { weight: 1, arbitrary: fc.constantFrom(2 ** 33 - 1, 2 ** 33, 9 * 2 ** 30) },
)
const component = fc.stringMatching(/^[a-z0-9]{1,40}$/)
const repository = fc.array(component, { minLength: 1, maxLength: 6 }).map((parts) => parts.join('/'))
const fileName = fc
  .array(
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 }).filter((part) => !/[/\p{Cc}]|^\.{1,2}$/u.test(part)),
    { minLength: 1, maxLength: 5 },
  )
  .map((parts) => `working-dir/${parts.join('/')}`)

export const archiveContents: fc.Arbitrary<ArchiveContent> = fc
  .record({
    sizes: fc.array(size, { maxLength: 40 }),
    repositories: fc.uniqueArray(repository, { minLength: 1, maxLength: 5 }),
    names: fc.uniqueArray(fileName, { maxLength: 6 }),
    bytes: fc.nat(3000),
  })
  .map(({ sizes, repositories, names, bytes }) =>
    sampleContent({ sizes, repositories, files: names.toSorted().map((name) => workspaceFile(name, bytes)) }),
  )

/** A file as the layout has it, where blobs and the index are holes: what is cheap at any size. */
export function writeHollowVolume(path: string, { entries, size: bytes }: VolumeLayout): void {
  const file = openSync(path, 'wx')
  try {
    ftruncateSync(file, bytes)
    for (const { name, size: length, headerOffset, offset, source } of entries) {
      writeSync(file, tarHeader({ name, size: length, mtime: MTIME }), 0, undefined, headerOffset)
      if (source.kind === 'file') writeSync(file, source.file.bytes, 0, undefined, offset)
    }
  } finally {
    closeSync(file)
  }
}
