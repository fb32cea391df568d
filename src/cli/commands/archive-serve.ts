/** `archive serve`: a registry that is only read, straight from the volumes, until it is interrupted. */
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { AirliftError } from '../../base/errors.ts'
import { plural } from '../../base/units.ts'
import type { CliContext } from '../cli-context.ts'
import type { FlagValues } from '../flag-values.ts'
import { safeLine } from '../render/text.ts'
import { directoriesOf } from './archive-list.ts'

/** @returns the exit code. */
export async function runArchiveServe(
  words: readonly string[],
  values: FlagValues,
  context: CliContext,
): Promise<number> {
  const { signal } = context
  const directories = directoriesOf(words, context)
  const tls = await readTls(values, context)
  const { openArchive } = await import('../../archive/open-archive.ts')
  const { archiveStore } = await import('../../archive/archive-store.ts')
  const { startRegistryServer } = await import('../../server/registry-server.ts')
  await using archive = await openArchive(directories, { signal, partial: values['partial'] === true })
  await using server = await startRegistryServer({
    storage: archiveStore(archive),
    readOnly: true,
    host: String(values['host']),
    port: Number(values['port']),
    signal,
    ...(tls !== undefined && { tls }),
  })
  const { images, repositories } = archive
  const example = images[0]?.id
  context.stdout.write(
    values['output'] === 'json'
      ? `${JSON.stringify({ type: 'serving', url: server.url, images: images.length, repositories: repositories.length })}\n`
      : `serving ${plural(images.length, 'image')} read-only at ${server.url}\n` +
          (example === undefined
            ? ''
            : `for example: skopeo inspect docker://${server.registry}/${safeLine(example)}\n`),
  )
  await untilAborted(signal)
  return 0
}

async function readTls(
  values: FlagValues,
  { cwd }: CliContext,
): Promise<{ readonly cert: string; readonly key: string } | undefined> {
  const { 'tls-cert': cert, 'tls-key': key } = values
  if (cert === undefined && key === undefined) return undefined
  if (typeof cert !== 'string' || typeof key !== 'string') {
    throw new AirliftError('FLAG_INVALID', '--tls-cert and --tls-key belong together')
  }
  try {
    return { cert: await readFile(resolve(cwd, cert), 'utf8'), key: await readFile(resolve(cwd, key), 'utf8') }
  } catch (error) {
    throw new AirliftError('CERTIFICATE_INVALID', 'cannot read the certificate and key to serve with', { cause: error })
  }
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
