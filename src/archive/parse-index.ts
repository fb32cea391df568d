/**
 * Reads the index of a volume, which anybody may have written. Pure.
 *
 * What it says of itself must agree: entries in order, apart from each other and
 * inside the volume, names that lead nowhere else, images that exist. Whether the
 * file is that volume, and content has its digest, is for the reader to check.
 *
 * Format: `docs/archive-format.md`.
 */
import { AirliftError } from '../base/errors.ts'
import { isDigest } from '../oci/digest.ts'
import type { Digest } from '../oci/digest.ts'
import type { Platform } from '../oci/platform.ts'
import { isRepository, isTag } from '../oci/reference.ts'
import type { ArchiveIdentity } from './archive-types.ts'
import { blobEntryName, INDEX_DIGEST_NAME, INDEX_NAME, isSafeName, volumeName } from './entry-names.ts'
import { INDEX_VERSION, MAX_INDEX_BYTES, MAX_INDEX_ENTRIES } from './index-format.ts'
import type { ArchiveIndex, EntryState, IndexEntry, IndexImage, IndexVolume } from './index-format.ts'
import { BLOCK_BYTES, END_BYTES, paddedSize } from './tar-header.ts'

/** What this program knows to read beyond version 1 of the format. */
const KNOWN_FEATURES: readonly string[] = []
const MAX_VOLUMES = 1_000_000
const MAX_IMAGES = 500_000
const MAX_DIGESTS = 2_000_000
const MAX_TEXT = 4096

/**
 * @param bytes Content of `airlift/index.json`, whole.
 * @throws {AirliftError} `UNSUPPORTED` where a newer program wrote it, which the message says; `ARCHIVE_INVALID`.
 */
export function parseIndex(bytes: Uint8Array): ArchiveIndex {
  const json = readJson(bytes)
  refuseUnknown(json)
  const volume = readVolume(json['volume'], 'volume')
  const volumes = list(json['volumes'], { what: 'volumes', most: MAX_VOLUMES }).map((value, index) =>
    readVolume(value, `volumes[${index}]`),
  )
  const images = readImages(json['images'])
  const index = {
    features: [],
    archive: readIdentity(json['archive']),
    createdAt: readTime(json['createdAt']),
    volume,
    volumes,
    images,
    entries: readEntries(json['entries'], images),
  }
  checkVolumes(index)
  checkPlaces(index, bytes.length)
  return index
}

function readJson(bytes: Uint8Array): Fields {
  if (bytes.length > MAX_INDEX_BYTES) throw invalid(`it has ${bytes.length} bytes, more than ${MAX_INDEX_BYTES}`)
  try {
    return record(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)), 'it')
  } catch (error) {
    if (error instanceof AirliftError) throw error
    throw new AirliftError('ARCHIVE_INVALID', 'the index of the volume is not JSON', { cause: error })
  }
}

function refuseUnknown(json: Fields): void {
  const { version } = json
  if (typeof version === 'number' && Number.isSafeInteger(version) && version > INDEX_VERSION) {
    throw unsupported(`version ${version} of the archive format`)
  }
  if (version !== INDEX_VERSION) throw invalid('it has no version')
  const features = list(json['features'], { what: 'features', most: 100 }).map((value) => text(value, 'a feature'))
  const unknown = features.filter((name) => !KNOWN_FEATURES.includes(name))
  if (unknown.length > 0) throw unsupported(`archives with ${unknown.map((name) => JSON.stringify(name)).join(', ')}`)
}

function readVolume(value: unknown, what: string): IndexVolume {
  const json = record(value, what)
  const number = count(json['number'], `${what}.number`)
  if (json['name'] !== volumeName(number)) throw invalid(`${what}.name is not that of its number`)
  return { number, name: volumeName(number), size: count(json['size'], `${what}.size`) }
}

function readIdentity(value: unknown): ArchiveIdentity {
  const json = record(value, 'archive')
  const own = identity(json, 'archive')
  return json['continues'] === undefined
    ? own
    : { ...own, continues: identity(record(json['continues'], 'archive.continues'), 'archive.continues') }
}

function identity(json: Fields, what: string): { readonly id: string; readonly sequence: number } {
  return { id: text(json['id'], `${what}.id`), sequence: count(json['sequence'], `${what}.sequence`) }
}

function readTime(value: unknown): string {
  const time = text(value, 'createdAt')
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(time) || Number.isNaN(Date.parse(time))) {
    throw invalid('createdAt is not a time')
  }
  return time
}

function readImages(value: unknown): readonly IndexImage[] {
  let digests = 0
  const images = list(value, { what: 'images', most: MAX_IMAGES }).map((item, index): IndexImage => {
    const what = `images[${index}]`
    const json = record(item, what)
    const repository = text(json['repository'], `${what}.repository`)
    const tag = text(json['tag'], `${what}.tag`)
    if (!isRepository(repository) || !isTag(tag)) throw invalid(`${what} has a name that no registry takes`)
    const content = list(json['content'], { what: `${what}.content`, most: MAX_DIGESTS - digests })
    digests += content.length
    return {
      id: `${repository}:${tag}`,
      kind: text(json['kind'], `${what}.kind`),
      origin: text(json['origin'], `${what}.origin`),
      repository,
      tag,
      digest: digest(json['digest'], what),
      platforms: list(json['platforms'], { what: `${what}.platforms`, most: 1000 }).map((entry) =>
        platform(entry, `${what}.platforms`),
      ),
      content: content.map((entry) => digest(entry, `${what}.content`)),
      state: state(json['state'], what),
    }
  })
  const twice = firstTwice(images.map(({ id }) => id))
  if (twice !== undefined) throw invalid(`the image ${twice} stands twice`)
  return images
}

function platform(value: unknown, what: string): Platform {
  const { os, architecture, variant } = record(value, what)
  return {
    os: text(os, what),
    architecture: text(architecture, what),
    ...(variant !== undefined && { variant: text(variant, what) }),
  }
}

function readEntries(value: unknown, images: readonly IndexImage[]): readonly IndexEntry[] {
  const entries = list(value, { what: 'entries', most: MAX_INDEX_ENTRIES }).map((item, index): IndexEntry => {
    const what = `entries[${index}]`
    const json = record(item, what)
    const hash = digest(json['digest'], what)
    return {
      name: json['name'] === undefined ? blobEntryName(hash) : entryName(json['name'], what),
      offset: count(json['offset'], `${what}.offset`),
      size: count(json['size'], `${what}.size`),
      digest: hash,
      images: json['images'] === undefined ? [] : idsAt(json['images'], { images, what }),
      state: state(json['state'], what),
    }
  })
  const twice = firstTwice([INDEX_NAME, INDEX_DIGEST_NAME, ...entries.map(({ name }) => name)])
  if (twice !== undefined) throw invalid(`the entry ${JSON.stringify(twice)} stands twice`)
  return entries
}

/** A blob's name is never written, so that none can differ from its digest. */
function entryName(value: unknown, what: string): string {
  const name = text(value, `${what}.name`)
  if (!isSafeName(name)) throw invalid(`the entry name ${JSON.stringify(name.slice(0, 300))} leads out of the archive`)
  if (name.startsWith('docker/registry/v2/blobs/')) throw invalid(`${what} names a blob`)
  return name
}

function idsAt(
  value: unknown,
  { images, what }: { readonly images: readonly IndexImage[]; readonly what: string },
): readonly string[] {
  let last = -1
  return list(value, { what: `${what}.images`, most: images.length }).map((item) => {
    const position = count(item, `${what}.images`)
    const image = images[position]
    if (image === undefined || position <= last) throw invalid(`${what}.images are not positions in order`)
    last = position
    return image.id
  })
}

function checkVolumes({ volume, volumes }: ArchiveIndex): void {
  const own = volumes.find(({ number }) => number === volume.number)
  if (own === undefined || own.size !== volume.size) throw invalid('its volume is none of its volumes')
  if (volumes.some(({ number }, index) => index > 0 && number <= (volumes[index - 1]?.number ?? 0))) {
    throw invalid('its volumes are not in order')
  }
}

/** Each entry after the one before it, with room for a header, on a block's boundary; the last before the end. */
function checkPlaces({ volume, entries }: ArchiveIndex, indexBytes: number): void {
  let end = BLOCK_BYTES + paddedSize(indexBytes) + 2 * BLOCK_BYTES
  for (const { name, offset, size } of entries) {
    if (offset < end + BLOCK_BYTES || offset % BLOCK_BYTES !== 0) {
      throw invalid(`the entry ${JSON.stringify(name)} lies over the one before it`)
    }
    end = offset + paddedSize(size)
  }
  if (end + END_BYTES > volume.size) throw invalid(`its entries end at ${end} of ${volume.size} bytes`)
}

type Fields = Readonly<Record<string, unknown>>

function record(value: unknown, what: string): Fields {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) throw invalid(`${what} is not an object`)
  return value as Record<string, unknown>
}

function list(value: unknown, { what, most }: { readonly what: string; readonly most: number }): readonly unknown[] {
  if (!Array.isArray(value)) throw invalid(`${what} is not a list`)
  if (value.length > most) throw invalid(`${what} has ${value.length} elements, more than ${most}`)
  return value
}

function text(value: unknown, what: string): string {
  if (typeof value !== 'string' || value === '' || value.length > MAX_TEXT || /\p{Cc}/u.test(value)) {
    throw invalid(`${what} is not a text`)
  }
  return value
}

function count(value: unknown, what: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw invalid(`${what} is not a number`)
  return value
}

function digest(value: unknown, what: string): Digest {
  if (typeof value !== 'string' || !isDigest(value)) throw invalid(`${what} has no digest`)
  return value
}

function state(value: unknown, what: string): EntryState {
  if (value !== 'whole' && value !== 'void') throw invalid(`${what} has no state`)
  return value
}

function firstTwice(names: readonly string[]): string | undefined {
  const seen = new Set<string>()
  return names.find((name) => seen.size === seen.add(name).size)
}

function invalid(what: string): AirliftError {
  return new AirliftError('ARCHIVE_INVALID', `the index of the volume cannot be used: ${what}`)
}

function unsupported(what: string): AirliftError {
  return new AirliftError('UNSUPPORTED', `this version cannot read ${what}`, {
    hint: 'use the version of Airlift that wrote the archive, or a newer one',
  })
}
