/** Image layouts that other projects test with, as real tools wrote or broke them. */
import type { Readable } from 'node:stream'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { hasCode } from '../../src/base/errors.ts'
import { openLayout } from '../../src/content/oci-layout.ts'
import type { ImageSource } from '../../src/content/ports.ts'
import { VerifyStream } from '../../src/content/verify-stream.ts'
import { childrenOf } from '../../src/oci/manifest.ts'
import { isManifestMediaType } from '../../src/oci/media-type.ts'

const LAYOUTS = join(process.env['AIRLIFT_SHARED'] ?? '../shared', 'data/6-oci')
const { signal } = new AbortController()

/** Digests below the manifest of that name: all of them read and verified, those that are absent counted. */
async function walk(layout: ImageSource, name: string): Promise<{ read: number; absent: number }> {
  const manifest = await layout.manifest(name, { signal })
  if (manifest === undefined) return { read: 0, absent: 1 }
  const counts = { read: 1, absent: 0 }
  for (const child of childrenOf(manifest)) {
    const below = isManifestMediaType(child.mediaType)
      ? await walk(layout, child.digest)
      : await layout.open(child, { signal }).then(
          async (bytes) => ({ read: Number(await drain(bytes.pipe(new VerifyStream(child)))), absent: 0 }),
          (error: unknown) => {
            if (!hasCode(error, 'BLOB_UNKNOWN')) throw error
            return { read: 0, absent: 1 }
          },
        )
    counts.read += below.read
    counts.absent += below.absent
  }
  return counts
}

async function drain(stream: Readable): Promise<true> {
  for await (const _ of stream);
  return true
}

it.each([
  ['oc-mirror-layouts/multi-platform-container-latest', { read: 13, absent: 0 }],
  ['oc-mirror-layouts/single-arch-empty-image', { read: 3, absent: 0 }],
  ['oc-mirror-layouts/single-arch-empty-image-sig', { read: 3, absent: 0 }],
  ['oc-mirror-layouts/oci-image', { read: 3, absent: 0 }],
  ['oc-mirror-layouts/test-process-image', { read: 3, absent: 0 }],
  ['oc-mirror-v1-layouts/manifestlist/manifestlist-at-root/layout', { read: 10, absent: 0 }],
  ['oc-mirror-v1-layouts/single/testonly/layout', { read: 3, absent: 0 }],
  ['stereoscope/multiplatform_oci_dir', { read: 7, absent: 0 }],
  ['stereoscope/valid_oci_dir', { read: 3, absent: 0 }],
  ['go-containerregistry/pkg/v1/layout/testdata/test_gc_index', { read: 12, absent: 0 }],
  ['containers-image/oci/layout/fixtures/name_lookups', { read: 1, absent: 5 }],
  ['rules_docker/container/go/pkg/oci/testdata/test_index1', { read: 5, absent: 0 }],
  ['rules_docker/container/go/pkg/oci/testdata/test_index4', { read: 4, absent: 1 }],
])('reads all of %s', async (name, counts) => {
  const layout = await openLayout(join(LAYOUTS, name), { signal })

  expect(await walk(layout, '')).toEqual(counts)
})

it.each([
  ['containers-image/oci/layout/fixtures/name_lookups', ['a', 'b', 'c', 'd', 'invalid-mime']],
  ['stereoscope/valid_oci_dir', ['latest', '1.0']],
  ['containers-image/oci/layout/fixtures/delete_image_two_identical_references', ['1.0.0']],
])('finds the names in %s', async (name, tags) => {
  const layout = await openLayout(join(LAYOUTS, name), { signal })

  expect(await Array.fromAsync(layout.tags({ signal }))).toEqual(tags)
})

it.each([
  'stereoscope/invalid_file',
  'stereoscope/no_manifests',
  'stereoscope/valid_manifest',
  'oc-mirror-layouts/albo-bundle-image',
  'oc-mirror-layouts/simple-test-bundle',
  'oc-mirror-v1-layouts/manifestlist/hello',
  'oc-mirror-v1-layouts/artifacts/rhop-rotten-layer',
  'oc-mirror-v1-layouts/artifacts/rhop-rotten-cfg',
  'oc-mirror-v1-layouts/artifacts/rhop-rotten-manifest',
  'containers-image/oci/layout/fixtures/delete_image_multiple_images',
])('refuses %s, which was damaged', async (name) => {
  const walked = openLayout(join(LAYOUTS, name), { signal }).then((layout) => walk(layout, ''))

  await expect(walked).rejects.toMatchObject({ code: 'LAYOUT_INVALID' })
})
