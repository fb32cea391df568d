/**
 * The files of a `working-dir` that go into an archive: what the far side needs
 * for cluster resources and deletion.
 *
 * Left out is what belongs to one run on this side (logs, dry runs, cluster
 * resources, our own records) and what earlier runs pinned: the same plan gives
 * the same bytes.
 */
import { readdir, readFile } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import type { ArchiveFile } from '../archive/archive-types.ts'

const LEFT_OUT = new Set(['.history', 'airlift', 'cluster-resources', 'delete', 'dry-run', 'logs'])
const PINNED = /^(?:isc|disc)_pinned_.*\.yaml$/

/** Regular files only, sorted by name. `pinned` are the paths of this run's pinned configurations. */
export async function workspaceFiles(
  root: string,
  pinned: readonly string[],
  { signal }: { readonly signal: AbortSignal },
): Promise<readonly ArchiveFile[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true })
  const paths = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .filter((path) => isArchived(relative(root, path).split(sep), pinned.includes(path)))
    .toSorted()
  const files: ArchiveFile[] = []
  for (const path of paths) {
    signal.throwIfAborted()
    const name = ['working-dir', ...relative(root, path).split(sep)].join('/')
    files.push({ name, bytes: await readFile(path), images: [] })
  }
  return files
}

/** Temporary files of a run that was killed end in `.tmp`. */
function isArchived(path: readonly string[], isPinned: boolean): boolean {
  const [first = ''] = path
  if (LEFT_OUT.has(first) || path.at(-1)?.endsWith('.tmp') === true) return false
  return isPinned || path.length > 1 || !PINNED.test(first)
}
