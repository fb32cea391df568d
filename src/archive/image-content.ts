/**
 * What an image of an archive is made of: as its index says, or as its manifests
 * say where there is none.
 */
import { hasCode } from '../base/errors.ts'
import type { CallOptions } from '../content/ports.ts'
import type { Digest } from '../oci/digest.ts'
import { childrenOf } from '../oci/manifest.ts'
import type { Manifest } from '../oci/manifest.ts'
import { isForeignLayer } from '../oci/media-type.ts'
import type { Archive, ListedImage } from './reading-types.ts'

export interface ImageContent {
  /** Manifests and blobs that it needs, each once; without what a manifest that cannot be read would name. */
  readonly digests: ReadonlySet<Digest>
  /** Of them, those in no volume here. */
  readonly elsewhere: readonly Digest[]
  /** Bytes of those that are here. */
  readonly size: number
}

export async function imageContent(archive: Archive, image: ListedImage, options: CallOptions): Promise<ImageContent> {
  const digests = new Set(image.content)
  if (image.content === undefined) await addGraph(archive, image, { ...options, digests })
  let size = 0
  const elsewhere: Digest[] = []
  for (const digest of digests) {
    const location = archive.locate(digest)
    if (location === undefined) elsewhere.push(digest)
    else size += location.size
  }
  return { digests, elsewhere, size }
}

async function addGraph(
  archive: Archive,
  { repository, digest: root }: ListedImage,
  { signal, digests }: CallOptions & { readonly digests: Set<Digest> },
): Promise<void> {
  const source = archive.repository(repository)
  const pending = [root]
  for (let digest = pending.pop(); digest !== undefined; digest = pending.pop()) {
    if (digests.has(digest)) continue
    digests.add(digest)
    const manifest = await readable(() => source.manifest(digest, { signal }))
    if (manifest === undefined) continue
    for (const child of childrenOf(manifest)) {
      if (manifest.kind === 'image') {
        if (!isForeignLayer(child.mediaType)) digests.add(child.digest)
      } else if (source.isLinked(child.digest)) pending.push(child.digest)
    }
  }
}

/** Damaged and absent manifests still count as content. */
async function readable(read: () => Promise<Manifest | undefined>): Promise<Manifest | undefined> {
  try {
    return await read()
  } catch (error) {
    if (hasCode(error, ...UNREADABLE)) return undefined
    throw error
  }
}

const UNREADABLE = [
  'ARCHIVE_DAMAGED',
  'BLOB_UNKNOWN',
  'MANIFEST_INVALID',
  'MANIFEST_TOO_LARGE',
  'MANIFEST_UNSUPPORTED',
] as const
