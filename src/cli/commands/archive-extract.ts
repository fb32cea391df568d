/** `archive extract`: one image of an archive as an OCI image layout. */
import { resolve } from 'node:path'
import { AirliftError } from '../../base/errors.ts'
import { formatBytes, plural } from '../../base/units.ts'
import type { CliContext } from '../cli-context.ts'
import type { FlagValues } from '../flag-values.ts'
import { safeLine } from '../render/text.ts'
import { directoriesOf } from './archive-list.ts'

const OCI = 'oci:'

/** @returns the exit code. */
export async function runArchiveExtract(
  words: readonly string[],
  values: FlagValues,
  context: CliContext,
): Promise<number> {
  const [name, out] = words.slice(-2)
  if (words.length < 3 || name === undefined || out === undefined || !out.startsWith(OCI) || out === OCI) {
    throw new AirliftError('FLAG_INVALID', 'extract needs a directory, an image and oci:OUT', {
      hint: `for example ${context.program} archive extract /media/usb ubi9/ubi:latest oci:ubi`,
    })
  }
  const { openArchive } = await import('../../archive/open-archive.ts')
  const { findImage } = await import('../../archive/find-image.ts')
  const { extractImage } = await import('../../archive/extract-image.ts')
  const { signal, cwd } = context
  const directories = directoriesOf(words.slice(0, -2), context)
  await using archive = await openArchive(directories, { signal, partial: values['partial'] === true })
  const image = findImage(archive.images, name)
  const directory = resolve(cwd, out.slice(OCI.length))
  const extracted = await extractImage(archive, image, { directory, signal })
  const { manifests, blobs, bytes } = extracted
  context.stdout.write(
    values['output'] === 'json'
      ? `${JSON.stringify({ image: image.id, digest: image.digest, directory, ...extracted })}\n`
      : `${safeLine(image.id)}@${image.digest}\n${plural(manifests, 'manifest')} and ${plural(blobs, 'blob')}, ${formatBytes(bytes)}, in ${safeLine(directory)}\n`,
  )
  return 0
}
