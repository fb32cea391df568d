/** The image that a user means: by its name in the archive, by the reference it came from, or by digest. Pure. */
import { AirliftError } from '../base/errors.ts'
import type { ListedImage } from './reading-types.ts'

const SHOWN = 5

/** @throws {AirliftError} `MANIFEST_UNKNOWN` where no image has the name, or several have. */
export function findImage(images: readonly ListedImage[], name: string): ListedImage {
  const wanted = name.replace(/^docker:\/\//, '')
  const exact = images.filter(({ id, origin }) => id === wanted || origin?.replace(/^docker:\/\//, '') === wanted)
  const found =
    exact.length > 0
      ? exact
      : images.filter(({ repository, digest }) =>
          [repository, digest, `${repository}@${digest}`].some((form) => form === wanted),
        )
  const [image] = found
  if (image !== undefined && found.length === 1) return image
  const shown = found.slice(0, SHOWN).map(({ id }) => id)
  throw new AirliftError(
    'MANIFEST_UNKNOWN',
    found.length === 0
      ? `the archive has no image ${JSON.stringify(name.slice(0, 300))}`
      : `${found.length} images of the archive are meant by ${JSON.stringify(name)}`,
    {
      hint:
        found.length === 0
          ? 'airlift archive list prints the names of all images'
          : `name one of ${shown.join(', ')}${found.length > SHOWN ? ', …' : ''}`,
    },
  )
}
