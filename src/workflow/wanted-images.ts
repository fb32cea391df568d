/**
 * From a configuration to the images that it names, blocked ones set apart.
 */
import { AirliftError } from '../base/errors.ts'
import { wantedAdditionalImages } from '../collect/additional-images.ts'
import { compileGoRegexp } from '../config/go-regexp.ts'
import type { ImageSetConfig, MirrorSet } from '../config/image-set-config.ts'
import type { BlockedImage, WantedImage } from '../plan/collection.ts'
import { mappingLines } from '../plan/mapping.ts'
import type { TargetBase } from '../plan/target.ts'

export interface WantedSet {
  readonly wanted: readonly WantedImage[]
  readonly blocked: readonly BlockedImage[]
  /** Images that nothing may be built on. */
  readonly blockedBases: readonly WantedImage[]
}

/**
 * @throws {AirliftError} `UNSUPPORTED` for kinds of content that this version does not mirror, `REFERENCE_INVALID`,
 *   `NOTHING_TO_MIRROR`.
 */
export function wantedImages({ mirror }: ImageSetConfig, base: TargetBase): WantedSet {
  refuseUnsupported(mirror)
  const patterns = mirror.blockedImages.flatMap((entry) =>
    'name' in entry ? [{ by: entry.name, pattern: compileGoRegexp(entry.name) }] : [],
  )
  const bases = mirror.blockedImages.flatMap((entry) => ('baseImage' in entry ? [entry.baseImage] : []))
  const wanted: WantedImage[] = []
  const blocked: BlockedImage[] = []
  for (const image of wantedAdditionalImages(mirror.additionalImages)) {
    const names = [
      image.origin,
      ...mappingLines([image], base).map((line) => line.slice(line.indexOf('=docker://') + '=docker://'.length)),
    ]
    const match = patterns.find(({ pattern }) =>
      names.some((name) => pattern.matches(name.replace(/^[a-z]+:\/\//, ''))),
    )
    if (match === undefined) wanted.push(image)
    else blocked.push({ image, by: match.by })
  }
  if (wanted.length === 0) {
    throw new AirliftError('NOTHING_TO_MIRROR', 'no images to copy', {
      hint: 'name images in the configuration that blockedImages does not match',
    })
  }
  return { wanted, blocked, blockedBases: wantedAdditionalImages(bases.map((name) => ({ name, platforms: [] }))) }
}

/** Content that is asked for and not brought would be the worst outcome: it is refused instead. */
function refuseUnsupported(mirror: MirrorSet): void {
  const asked = [
    ...(mirror.platform === undefined ? [] : ['mirror.platform']),
    ...(mirror.operators.length === 0 ? [] : ['mirror.operators']),
    ...(mirror.helm === undefined || mirror.helm.repositories.length + mirror.helm.local.length === 0
      ? []
      : ['mirror.helm']),
  ]
  if (asked.length === 0) return
  throw new AirliftError(
    'UNSUPPORTED',
    `this version mirrors additionalImages only; the configuration asks for ${asked.join(', ')}`,
    {
      hint: `take ${asked.join(' and ')} out of the configuration`,
    },
  )
}
