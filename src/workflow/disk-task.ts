/**
 * What a run towards a disk is to do: what an earlier one that was stopped had
 * pinned, or what the sources say now.
 */
import { readFile } from 'node:fs/promises'
import { digestOf } from '../oci/digest.ts'
import type { Digest } from '../oci/digest.ts'
import { planDigest } from '../plan/archive-content.ts'
import { archivedFacts } from '../plan/archived-facts.ts'
import type { Collection } from '../plan/collection.ts'
import type { Plan } from '../plan/plan-types.ts'
import { blobsOf } from '../plan/target-facts.ts'
import { findFinished, keepBooks } from './archive-bookkeeping.ts'
import { nextIdentity, readRecord } from './archive-record.ts'
import { checkSides, collectSet, planSet, readArchived } from './collect-set.ts'
import type { Run } from './open-run.ts'
import { readPinnedRun } from './pinned-run.ts'
import type { PinnedRun } from './pinned-run.ts'
import { nextVolume } from './workspace-volumes.ts'

/** A run, and where on the disk it writes. */
export interface DiskRun extends Run {
  readonly root: string
  /** File of what the run has pinned. */
  readonly pinnedRun: string
}

export interface DiskTask {
  readonly pinned: PinnedRun
  readonly plan: Plan
  /** Whether an earlier run has begun it. */
  readonly isBegun: boolean
}

/** What a stopped run had pinned, if this one asks for the same; otherwise what the sources say now. */
export async function beginTask(run: DiskRun): Promise<DiskTask> {
  const { root, pinnedRun, directory, base, onEvent, signal } = run
  const request = await requestDigest(run)
  const stopped = await readPinnedRun(pinnedRun)
  const finished = stopped && (await findFinished(root, stopped, { signal }))
  if (stopped !== undefined && finished !== undefined) {
    await keepBooks(stopped, finished, { directory, pinnedRun, signal })
  } else if (stopped?.request === request) {
    const { collection, held } = stopped
    const message = `going on with the run of ${collection.createdAt}, and with what the sources had then`
    onEvent({ type: 'warning', message })
    await checkSides(run)
    return {
      pinned: stopped,
      plan: planSet(
        run,
        collection,
        archivedFacts(collection, base, { digests: new Set(held.digests), tags: new Map(held.tags) }),
      ),
      isBegun: true,
    }
  }
  const collection = await collectSet(run)
  onEvent({ type: 'phase', phase: 'plan' })
  const archived = await readArchived(run)
  const plan = planSet(run, collection, archivedFacts(collection, base, archived))
  const archives = await readRecord(directory.archives)
  const pinned: PinnedRun = {
    request,
    collection,
    held: { digests: contentOf(collection).filter((digest) => archived.digests.has(digest)), tags: [...archived.tags] },
    identity: nextIdentity(planDigest(plan), archives, run.options.since),
    firstVolume: await nextVolume(root, archives),
  }
  return { pinned, plan, isBegun: false }
}

/** Of all that decides what a plan is made from: another configuration begins anew. */
async function requestDigest({ options, signal }: DiskRun): Promise<Digest> {
  signal.throwIfAborted()
  const { removeSignatures, securePolicy, since, strictArchive, version } = options
  const flags = JSON.stringify({ removeSignatures, securePolicy, since, strictArchive, version })
  return digestOf(Buffer.concat([await readFile(options.configFile), Buffer.from(flags)]))
}

function contentOf({ manifests }: Collection): readonly Digest[] {
  const all = [...manifests.values()].flatMap((manifest) => [manifest.descriptor, ...blobsOf(manifest)])
  return [...new Set(all.map(({ digest }) => digest))]
}
