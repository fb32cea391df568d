/** `archive list`: the images, sizes and volumes of archives. */
import { resolve } from 'node:path'
import { AirliftError } from '../../base/errors.ts'
import type { CliContext } from '../cli-context.ts'
import type { FlagValues } from '../flag-values.ts'
import { renderArchiveList } from '../render/archive-list.ts'
import type { ArchiveListing } from '../render/archive-list.ts'
import { styleFor } from '../render/style.ts'

/** @returns the exit code. */
export async function runArchiveList(
  words: readonly string[],
  values: FlagValues,
  context: CliContext,
): Promise<number> {
  const listing = await listArchive(directoriesOf(words, context), context.signal)
  context.stdout.write(
    values['output'] === 'json'
      ? `${JSON.stringify(listing, undefined, 2)}\n`
      : renderArchiveList(listing, styleFor(context.stdout.isTTY ?? false, context.env)),
  )
  return 0
}

/** @throws {AirliftError} `FLAG_INVALID` where none is named. */
export function directoriesOf(words: readonly string[], { cwd }: CliContext): readonly string[] {
  if (words.length > 0) return words.map((word) => resolve(cwd, word.replace(/^file:\/\//, '')))
  throw new AirliftError('FLAG_INVALID', 'no directory with an archive is named', {
    hint: 'name the directory that has the volumes of the archive in it',
  })
}

async function listArchive(directories: readonly string[], signal: AbortSignal): Promise<ArchiveListing> {
  const { openArchive } = await import('../../archive/open-archive.ts')
  const { imageContent } = await import('../../archive/image-content.ts')
  await using archive = await openArchive(directories, { signal, partial: true })
  const images: ArchiveListing['images'][number][] = []
  for (const image of archive.images) {
    signal.throwIfAborted()
    const { digests, elsewhere, size } = await imageContent(archive, image, { signal })
    const { content: _digests, ...rest } = image
    images.push({ ...rest, contents: digests.size, elsewhere: elsewhere.length, size })
  }
  return { archives: archive.sets, images, problems: archive.problems }
}
