/** Tar files as anybody may write them, right or wrong, and archives without an index as `oc-mirror` v2 writes them. */
import { checksumOf, END_BYTES, paddedSize, tarHeader } from '../../src/archive/tar-header.ts'
import type { BuiltImage } from './random-image.ts'

export interface TarEntry {
  readonly name: string
  readonly bytes?: Uint8Array
  /** `0`, a file, by default. */
  readonly type?: string
  /** As the header has it; that of `bytes` by default. */
  readonly size?: number
}

export function tarFile(entries: readonly TarEntry[]): Buffer {
  const parts = entries.flatMap(({ name, bytes = new Uint8Array(), type = '0', size = bytes.length }) => {
    const header = tarHeader({ name, size, mtime: 0 })
    header.write(type, header.length - 512 + 156, 'latin1')
    const own = header.subarray(-512)
    own.write(`${checksumOf(own).toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
    return [header, bytes, Buffer.alloc(paddedSize(bytes.length) - bytes.length)]
  })
  return Buffer.concat([...parts, Buffer.alloc(END_BYTES)])
}

export const blobName = (digest: string): string => {
  const hex = digest.slice(digest.indexOf(':') + 1)
  return `docker/registry/v2/blobs/${digest.slice(0, digest.indexOf(':'))}/${hex.slice(0, 2)}/${hex}/data`
}

/** Links of an image in `repository`, and its contents but for `without`. */
export function imageEntries(
  image: BuiltImage,
  {
    repository,
    tag,
    without = [],
  }: { readonly repository: string; readonly tag: string; readonly without?: readonly string[] },
): TarEntry[] {
  const root = `docker/registry/v2/repositories/${repository}`
  const link = (path: string, digest: string): TarEntry => ({
    name: `${root}/${path}/link`,
    bytes: Buffer.from(digest),
  })
  const { digest } = image.manifest.descriptor
  const contents = new Map<string, Uint8Array>([
    ...image.manifests.map(({ descriptor, bytes }) => [descriptor.digest, bytes] as const),
    ...image.blobs,
  ])
  return [
    ...[...image.blobs.keys()].map((layer) => link(`_layers/${layer.replace(':', '/')}`, layer)),
    ...image.manifests.map(({ descriptor }) =>
      link(`_manifests/revisions/${descriptor.digest.replace(':', '/')}`, descriptor.digest),
    ),
    link(`_manifests/tags/${tag}/current`, digest),
    link(`_manifests/tags/${tag}/index/${digest.replace(':', '/')}`, digest),
    ...[...contents]
      .filter(([name]) => !without.includes(name))
      .map(([name, bytes]) => ({ name: blobName(name), bytes })),
  ]
}
