/**
 * `isc_pinned_*.yaml` and `disc_pinned_*.yaml`: the image set as it was mirrored,
 * and the same to delete.
 */
import { basename, join } from 'node:path'
import { writeFileAtomic } from '../base/atomic-file.ts'
import { renderPinned } from '../config/pinned-config.ts'
import type { Run } from './open-run.ts'
import type { WorkingDir } from './working-dir.ts'

const ARCHIVED = /^working-dir\/(?:isc|disc)_pinned_[0-9TZ:.+-]{1,40}\.yaml$/
const MAX_BYTES = 16 * 1024 * 1024

/** @returns the paths written, the image set's own first. */
export async function writePinned({
  config,
  directory,
  onEvent,
}: Pick<Run, 'config' | 'onEvent'> & { readonly directory: WorkingDir }): Promise<readonly string[]> {
  const files = [
    [directory.pinned('isc'), renderPinned(config, { kind: 'ImageSetConfiguration' })],
    [directory.pinned('disc'), renderPinned(config, { kind: 'DeleteImageSetConfiguration' })],
  ] as const
  for (const [path, text] of files) await writeFileAtomic(path, text)
  for (const [path] of files) onEvent({ type: 'file-written', path, what: 'pinned configuration' })
  return files.map(([path]) => path)
}

/** Those that mirror to disk pinned come with the archive: here they name what to delete later. */
export async function writeArchivedPinned({ archive, directory, onEvent, signal }: Run): Promise<readonly string[]> {
  const written: string[] = []
  for (const { name } of archive?.files('working-dir/') ?? []) {
    const bytes = ARCHIVED.test(name) ? await archive?.readFile(name, { signal, maxBytes: MAX_BYTES }) : undefined
    if (bytes === undefined) continue
    const path = join(directory.root, basename(name))
    await writeFileAtomic(path, bytes)
    onEvent({ type: 'file-written', path, what: 'pinned configuration' })
    written.push(path)
  }
  return written
}
