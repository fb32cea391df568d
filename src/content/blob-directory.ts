/**
 * A directory in the on-disk layout of distribution (`docker/registry/v2/…`), as
 * the storage of a registry and as a place to look for blobs.
 *
 * `docker-registry` pointed at the same directory serves what is stored here, and
 * the other way round. What is ours alone lies in `airlift/` beside it.
 */
import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileSize, streamBlobFile } from './blob-file.ts'
import { blobPath, ingestPath } from './blob-paths.ts'
import type { BlobLookup, BlobStore } from './blob-store.ts'
import type { CallOptions } from './ports.ts'
import { RepositoryDirectory } from './repository-directory.ts'
import { UploadTable } from './upload-table.ts'

/** What lies in `ingest` for longer than this belongs to a process that was killed. */
const ABANDONED_MS = 24 * 60 * 60 * 1000
/** Uploads that are remembered; each costs the state of one hash. */
const MAX_UPLOADS = 1000

/** Looks for blobs in an existing directory; writes nothing, and need not find one. */
export function openBlobDirectory(root: string): BlobLookup {
  return {
    size: (digest) => fileSize(blobPath(root, digest)),
    open: ({ digest }, { offset = 0 }) => streamBlobFile(blobPath(root, digest), digest, offset),
  }
}

/** Opens a directory for reading and writing, making it where there is none. */
export async function openBlobStore(root: string, { signal }: CallOptions): Promise<BlobStore> {
  const ingest = ingestPath(root)
  await mkdir(ingest, { recursive: true })
  for (const name of await readdir(ingest)) {
    signal.throwIfAborted()
    await removeAbandoned(join(ingest, name))
  }
  const uploads = new UploadTable(MAX_UPLOADS)
  return {
    ...openBlobDirectory(root),
    repository: (name) => new RepositoryDirectory(root, name, uploads),
  }
}

async function removeAbandoned(path: string): Promise<void> {
  const { mtimeMs } = await stat(path)
  if (Date.now() - mtimeMs > ABANDONED_MS) await rm(path, { force: true })
}
