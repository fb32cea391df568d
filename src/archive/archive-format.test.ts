/** The example of `docs/archive-format.md`, byte for byte. */
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { CREATED_AT, MTIME } from '../../test/support/archive-contents.ts'
import { digestOf } from '../oci/digest.ts'
import type { ArchiveContent, PlacedEntry, VolumeLayout } from './archive-types.ts'
import { INDEX_NAME, linkEntries } from './entry-names.ts'
import { encodeIndex, volumeIndex } from './index-format.ts'
import { DEFAULT_VOLUME_BYTES, layoutArchive } from './layout.ts'
import { tarHeader } from './tar-header.ts'

let document: string
let volume: VolumeLayout
let index: Buffer
let bytes: Buffer

beforeAll(async () => {
  document = await readFile(resolve(import.meta.dirname, '../../docs/archive-format.md'), 'utf8')
  const manifest = Buffer.from(/^\{"schemaVersion".+$/m.exec(document)?.[0] ?? '')
  const config = Buffer.from('{}')
  const isc = Buffer.from('kind: ImageSetConfiguration\n')
  const [blob, root] = [digestOf(config), digestOf(manifest)]
  const image = { id: 'ns/a:v1', repository: 'ns/a', tag: 'v1' }
  const content: ArchiveContent = {
    createdAt: CREATED_AT,
    identity: { id: digestOf(Buffer.from('plan')), sequence: 1 },
    images: [
      { ...image, kind: 'generic', origin: 'quay.example/ns/a:v1', digest: root, platforms: [], content: [blob, root] },
    ],
    blobs: [
      { digest: blob, size: config.length, images: [image.id] },
      { digest: root, size: manifest.length, images: [image.id] },
    ],
    files: [
      { name: `isc_${CREATED_AT}`, bytes: isc, images: [] },
      ...linkEntries([{ ...image, layers: [blob], manifests: [root], tags: [['v1', root]] }]),
    ],
  }
  const layout = layoutArchive(content, { volumeBytes: DEFAULT_VOLUME_BYTES, strict: true, firstVolume: 1 })
  const [only] = layout.volumes
  if (only === undefined) throw new Error('a volume expected')
  volume = only
  index = encodeIndex(volumeIndex(content, layout, { volume }), volume.entries[0]?.size ?? 0)
  const contentOf = ({ name, source }: PlacedEntry): Uint8Array => {
    if (source.kind === 'file') return source.file.bytes
    if (source.kind === 'blob') return source.digest === root ? manifest : config
    return name === INDEX_NAME ? index : Buffer.from(digestOf(index))
  }
  bytes = Buffer.alloc(volume.size)
  for (const entry of volume.entries) {
    tarHeader({ name: entry.name, size: entry.size, mtime: MTIME }).copy(bytes, entry.headerOffset)
    bytes.set(contentOf(entry), entry.offset)
  }
})

it('has the entries of the document at its places', () => {
  const rows = volume.entries.map(({ headerOffset, offset, size, name }) =>
    [String(headerOffset).padStart(6), String(offset).padStart(7), String(size).padStart(4), name].join('  '),
  )

  expect(document).toContain(`header  content  size  name\n${rows.join('\n')}\n`)
  expect(document).toContain(`The volume has ${volume.size} bytes`)
})

it('has the index of the document, with spaces behind', () => {
  expect(document).toContain(`\`\`\`json\n${index.toString().trimEnd()}\n\`\`\``)
  expect(document).toContain(`\`airlift/index.sha256\` is \`${digestOf(index)}\``)
})

it('has the header of the document', () => {
  const lines = document.matchAll(/^(?<at>[0-9a-f]{8}): (?<hex>(?:[0-9a-f]{4} ){8}) /gm)
  const expected = Buffer.alloc(512)
  for (const { groups } of lines) {
    const { at = '', hex = '' } = groups ?? {}
    expected.write(hex.replaceAll(' ', ''), Number.parseInt(at, 16), 'hex')
  }

  expect(bytes.subarray(0, 512)).toEqual(expected)
})

it('hashes to the digest of the document', () => {
  expect(document).toContain(`hashes to\n\`${digestOf(bytes)}\``)
})
