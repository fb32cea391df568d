/**
 * Media types of manifests and blobs, OCI and Docker. Pure.
 *
 * Spec: https://github.com/opencontainers/image-spec/blob/v1.1.1/media-types.md
 */
export const MEDIA_TYPE = {
  ociManifest: 'application/vnd.oci.image.manifest.v1+json',
  ociIndex: 'application/vnd.oci.image.index.v1+json',
  ociConfig: 'application/vnd.oci.image.config.v1+json',
  ociLayerGzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
  ociLayer: 'application/vnd.oci.image.layer.v1.tar',
  ociEmpty: 'application/vnd.oci.empty.v1+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerIndex: 'application/vnd.docker.distribution.manifest.list.v2+json',
  dockerConfig: 'application/vnd.docker.container.image.v1+json',
  dockerLayerGzip: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
  dockerSchema1: 'application/vnd.docker.distribution.manifest.v1+json',
  dockerSchema1Signed: 'application/vnd.docker.distribution.manifest.v1+prettyjws',
} as const

const INDEX: ReadonlySet<string> = new Set([MEDIA_TYPE.ociIndex, MEDIA_TYPE.dockerIndex])
const MANIFEST: ReadonlySet<string> = new Set([MEDIA_TYPE.ociManifest, MEDIA_TYPE.dockerManifest])
const SCHEMA1: ReadonlySet<string> = new Set([MEDIA_TYPE.dockerSchema1, MEDIA_TYPE.dockerSchema1Signed])

export function isIndexMediaType(mediaType: string): boolean {
  return INDEX.has(mediaType)
}

/** Manifests of images and artifacts, not indexes. */
export function isImageMediaType(mediaType: string): boolean {
  return MANIFEST.has(mediaType)
}

export function isSchema1MediaType(mediaType: string): boolean {
  return SCHEMA1.has(mediaType)
}

/** Whether a descriptor of this type names a manifest, pushed to `/manifests/`, rather than a blob. */
export function isManifestMediaType(mediaType: string): boolean {
  return isIndexMediaType(mediaType) || isImageMediaType(mediaType)
}

/** Layers that a registry may lack: `urls` tell where they are, and nobody may redistribute them. */
export function isForeignLayer(mediaType: string): boolean {
  return mediaType.includes('nondistributable') || mediaType.includes('rootfs.foreign.diff')
}

/**
 * `Accept` of every manifest request. Each type is named, since old registries
 * convert a manifest to schema 1, or an index to one platform, for a client that
 * does not list its type; schema 1 is left out so that they say what they hold.
 */
export const ACCEPT_MANIFESTS: string = [...MANIFEST, ...INDEX].join(', ')
