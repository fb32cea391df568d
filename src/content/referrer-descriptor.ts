/**
 * A manifest as the referrers API lists it: with its annotations, and with the
 * artifact type that it declares or, failing that, the media type of its config. Pure.
 *
 * Spec: https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers
 */
import type { Descriptor } from '../oci/descriptor.ts'
import type { Manifest } from '../oci/manifest.ts'

export function referrerDescriptor(manifest: Manifest): Descriptor {
  const artifactType =
    declaredType(manifest.bytes) ?? (manifest.kind === 'image' ? manifest.config.mediaType : undefined)
  return {
    ...manifest.descriptor,
    ...(artifactType !== undefined && { artifactType }),
    ...(Object.keys(manifest.annotations).length > 0 && { annotations: manifest.annotations }),
  }
}

function declaredType(bytes: Uint8Array): string | undefined {
  const { artifactType } = JSON.parse(new TextDecoder().decode(bytes)) as { readonly artifactType?: unknown }
  return typeof artifactType === 'string' && artifactType !== '' ? artifactType : undefined
}
