/**
 * Reads the index of a volume, which anybody may have written. Pure.
 *
 * What it says of itself must agree: entries in order, apart from each other and
 * inside the volume, names that lead nowhere else, images that exist. Whether the
 * file is that volume, and content has its digest, is for the reader to check.
 *
 * Format: `docs/archive-format.md`.
 */
import { AirliftError, isAirliftError, messageOf } from '../base/errors.ts'
import type { Platform } from '../oci/platform.ts'
import { isRepository, isTag } from '../oci/reference.ts'
import type { ArchiveIdentity } from './archive-types.ts'
import { blobEntryName, BLOBS, INDEX_DIGEST_NAME, INDEX_NAME, isSafeName, volumeName } from './entry-names.ts'
import { readCount, readDigest, readFields, readList, readRows, readText } from './index-fields.ts'
import type { Fields } from './index-fields.ts'
import { INDEX_VERSION, MAX_INDEX_BYTES, MAX_INDEX_ENTRIES } from './index-format.ts'
import type { ArchiveIndex, EntryState, IndexEntry, IndexImage, IndexVolume } from './index-format.ts'
import { BLOCK_BYTES, END_BYTES, paddedSize } from './tar-header.ts'

/** What this program knows to read beyond version 1 of the format. */
const KNOWN_FEATURES: readonly string[] = []
const MAX_VOLUMES = 1_000_000
const MAX_IMAGES = 500_000
const MAX_PLATFORMS = 1000
/** Of all images together. */
const MAX_DIGESTS = 2_000_000

/**
 * @param bytes Content of `airlift/index.json`, whole.
 * @throws {AirliftError} `UNSUPPORTED` where a newer program wrote it, which the message says; `ARCHIVE_INVALID`.
 */
export function parseIndex(bytes: Uint8Array): ArchiveIndex {
  try {
    if (bytes.length > MAX_INDEX_BYTES) throw new Error(`it has ${bytes.length} bytes, more than ${MAX_INDEX_BYTES}`)
    const index = readIndex(readFields(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))))
    checkVolumes(index)
    checkPlaces(index, bytes.length)
    return index
  } catch (error) {
    if (isAirliftError(error)) throw error
    throw new AirliftError('ARCHIVE_INVALID', `the index of the volume cannot be used: ${messageOf(error)}`, {
      cause: error,
    })
  }
}

function readIndex(json: Fields): ArchiveIndex {
  refuseUnknown(json)
  const images = readImages(json)
  return {
    features: [],
    archive: readIdentity(readFields(json['archive'])),
    createdAt: readTime(json['createdAt']),
    volume: readVolume(readFields(json['volume'])),
    volumes: readRows(readList(json, 'volumes', MAX_VOLUMES), 'volumes', readVolume),
    images,
    entries: readEntries(json, images),
  }
}

function refuseUnknown(json: Fields): void {
  const version = readCount(json['version'], 'version')
  if (version > INDEX_VERSION) throw unsupported(`version ${version} of the archive format`)
  if (version !== INDEX_VERSION) throw new Error('there is no version of that number')
  const features = readList(json, 'features', 100).map((value) => readText(value, 'a feature'))
  const unknown = features.filter((name) => !KNOWN_FEATURES.includes(name))
  if (unknown.length > 0) throw unsupported(`archives with ${unknown.map((name) => JSON.stringify(name)).join(', ')}`)
}

function readVolume(json: Fields): IndexVolume {
  const number = readCount(json['number'], 'number')
  const name = volumeName(number)
  if (json['name'] !== name) throw new Error(`volume ${number} has the name of another`)
  return { number, name, size: readCount(json['size'], 'size') }
}

function readIdentity(json: Fields): ArchiveIdentity {
  const own = readName(json)
  return json['continues'] === undefined ? own : { ...own, continues: readName(readFields(json['continues'])) }
}

function readName(json: Fields): { readonly id: string; readonly sequence: number } {
  return { id: readText(json['id'], 'id'), sequence: readCount(json['sequence'], 'sequence') }
}

function readTime(value: unknown): string {
  const time = readText(value, 'createdAt')
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(time) || Number.isNaN(Date.parse(time))) {
    throw new Error('createdAt is not a time')
  }
  return time
}

function readImages(index: Fields): readonly IndexImage[] {
  let digests = 0
  const images = readRows(readList(index, 'images', MAX_IMAGES), 'images', (json): IndexImage => {
    const repository = readText(json['repository'], 'repository')
    const tag = readText(json['tag'], 'tag')
    if (!isRepository(repository) || !isTag(tag)) throw new Error('it has a name that no registry takes')
    const content = readList(json, 'content', MAX_DIGESTS - digests).map(readDigest)
    digests += content.length
    return {
      id: `${repository}:${tag}`,
      kind: readText(json['kind'], 'kind'),
      origin: readText(json['origin'], 'origin'),
      repository,
      tag,
      digest: readDigest(json['digest']),
      platforms: readRows(readList(json, 'platforms', MAX_PLATFORMS), 'platforms', readPlatform),
      content,
      state: readState(json['state']),
    }
  })
  refuseTwice(images.map(({ id }) => id))
  return images
}

function readPlatform({ os, architecture, variant }: Fields): Platform {
  return {
    os: readText(os, 'os'),
    architecture: readText(architecture, 'architecture'),
    ...(variant !== undefined && { variant: readText(variant, 'variant') }),
  }
}

function readEntries(index: Fields, images: readonly IndexImage[]): readonly IndexEntry[] {
  // Most entries are for one image: these lists are shared, since there are hundreds of thousands.
  const alone = images.map(({ id }): readonly string[] => [id])
  const named: string[] = [INDEX_NAME, INDEX_DIGEST_NAME]
  const blobs: string[] = []
  const entries = readRows(readList(index, 'entries', MAX_INDEX_ENTRIES), 'entries', (json): IndexEntry => {
    const digest = readDigest(json['digest'])
    const written = json['name'] === undefined ? undefined : readEntryName(json['name'])
    if (written === undefined) blobs.push(digest)
    else named.push(written)
    return {
      name: written ?? blobEntryName(digest),
      offset: readCount(json['offset'], 'offset'),
      size: readCount(json['size'], 'size'),
      digest,
      images: json['images'] === undefined ? [] : readIds(json, alone),
      state: readState(json['state']),
    }
  })
  refuseTwice(named)
  refuseTwice(blobs)
  return entries
}

/** A blob's name is never written, so that none can differ from its digest. */
function readEntryName(name: unknown): string {
  if (typeof name !== 'string') throw new Error('name is not a text')
  if (!isSafeName(name)) throw new Error(`the name ${JSON.stringify(name.slice(0, 300))} leads out of the archive`)
  if (name.startsWith(BLOBS)) throw new Error('it names a blob')
  return name
}

/** @param alone For each image, the list of its id alone. */
function readIds(json: Fields, alone: readonly (readonly string[])[]): readonly string[] {
  let last = -1
  const ids = readList(json, 'images', alone.length).map((value) => {
    const position = readCount(value, 'images')
    const id = alone[position]
    if (id === undefined || position <= last) throw new Error('images are not positions in order')
    last = position
    return id
  })
  const [first = []] = ids
  return ids.length === 1 ? first : ids.flat()
}

function readState(value: unknown): EntryState {
  if (value !== 'whole' && value !== 'void') throw new Error('there is no state')
  return value
}

function refuseTwice(names: readonly string[]): void {
  const seen = new Set<string>()
  for (const name of names) {
    const { size } = seen
    if (seen.add(name).size === size) throw new Error(`${JSON.stringify(name)} stands twice`)
  }
}

function checkVolumes({ volume, volumes }: ArchiveIndex): void {
  const own = volumes.find(({ number }) => number === volume.number)
  if (own === undefined || own.size !== volume.size) throw new Error('its volume is none of its volumes')
  if (volumes.some(({ number }, index) => index > 0 && number <= (volumes[index - 1]?.number ?? 0))) {
    throw new Error('its volumes are not in order')
  }
}

/** Each entry after the one before it, with room for a header, on a block's boundary; the last before the end. */
function checkPlaces({ volume, entries }: ArchiveIndex, indexBytes: number): void {
  let end = BLOCK_BYTES + paddedSize(indexBytes) + 2 * BLOCK_BYTES
  for (const { name, offset, size } of entries) {
    if (offset < end + BLOCK_BYTES || offset % BLOCK_BYTES !== 0) {
      throw new Error(`the entry ${JSON.stringify(name)} lies over the one before it`)
    }
    end = offset + paddedSize(size)
  }
  if (end + END_BYTES > volume.size) throw new Error(`its entries end at ${end} of ${volume.size} bytes`)
}

function unsupported(what: string): AirliftError {
  return new AirliftError('UNSUPPORTED', `this version cannot read ${what}`, {
    hint: 'use the version of Airlift that wrote the archive, or a newer one',
  })
}
