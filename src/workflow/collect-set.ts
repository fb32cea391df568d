/**
 * The first half of every run: access, collection, plan.
 */
import { readHistory } from '../archive/history.ts'
import { collectImages } from '../collect/collect-images.ts'
import { askTarget } from '../collect/target-state.ts'
import { archivedFacts } from '../plan/archived-facts.ts'
import type { ArchivedContent } from '../plan/archived-facts.ts'
import type { Collection } from '../plan/collection.ts'
import { makePlan } from '../plan/make-plan.ts'
import type { Plan } from '../plan/plan-types.ts'
import type { TargetFacts } from '../plan/target-facts.ts'
import { explainMissing } from './archived-set.ts'
import { readRecord, recordedTags } from './archive-record.ts'
import { checkAccess } from './check-access.ts'
import { loadPolicyCheck } from './check-policy.ts'
import type { Run } from './open-run.ts'

/** Access and collection. */
export async function collectSet(run: Run): Promise<Collection> {
  const { clients, set, archive, onEvent, signal } = run
  await checkSides(run)

  onEvent({ type: 'phase', phase: 'collect' })
  const total = set.wanted.length
  const collected = await collectImages(set.wanted, {
    signal,
    createdAt: run.createdAt,
    source: clients.sourceAt,
    takesSignatures: clients.takesSignatures,
    blockedBases: set.blockedBases,
    blocked: set.blocked,
    checkPolicy: await policyOf(run),
    onCollected: (origin, done) => onEvent({ type: 'image-collected', origin, done, total }),
  })
  for (const message of collected.warnings) onEvent({ type: 'warning', message })
  return archive === undefined ? collected : explainMissing(collected, archive)
}

/** The plan of a collection, and an event that says what it comes to. */
export function planSet(
  { base, onEvent }: Pick<Run, 'base' | 'onEvent'>,
  collection: Collection,
  facts: TargetFacts,
): Plan {
  const plan = makePlan(collection, base, facts)
  onEvent({ type: 'planned', totals: plan.totals, blocked: plan.blocked.length, unresolved: plan.unresolved.length })
  return plan
}

/** What the destination holds already: a registry says so, and of a disk the history of its archives. */
export async function findFacts(run: Run, collection: Collection): Promise<TargetFacts> {
  const { options, base, clients, signal, onEvent } = run
  onEvent({ type: 'phase', phase: 'plan' })
  return options.destination.kind === 'disk'
    ? archivedFacts(collection, base, await readArchived(run))
    : await askTarget(collection, base, { signal, target: clients.targetAt })
}

/** What earlier archives of the workspace hold; with `--since`, those made before that day. */
export async function readArchived({
  options,
  directory,
  signal,
}: Pick<Run, 'options' | 'directory' | 'signal'>): Promise<ArchivedContent> {
  const { since } = options
  const archives = await readRecord(directory.archives)
  return {
    digests: await readHistory(directory.root, { signal, ...(since !== undefined && { before: new Date(since) }) }),
    tags: recordedTags(archives.filter(({ createdAt }) => since === undefined || createdAt < since)),
  }
}

/** Source registries are asked only where they are mirrored from, and the target where there is one. */
export async function checkSides({ clients, set, options, context, onEvent }: Run): Promise<void> {
  onEvent({ type: 'phase', phase: 'check' })
  const { destination } = options
  if (destination.kind === 'registry') {
    const { registry, namespace } = destination
    await checkAccess(
      {
        side: 'target',
        registry,
        client: clients.target,
        credentials: clients.targetCredentials,
        ...(namespace !== '' && { repository: namespace }),
      },
      context,
    )
  }
  const registries = new Set(set.wanted.flatMap(({ place }) => (place.kind === 'repository' ? [place.registry] : [])))
  for (const registry of [...registries].toSorted()) {
    await checkAccess(
      { side: 'source', registry, client: clients.source, credentials: clients.sourceCredentials },
      context,
    )
  }
}

/** Policies are about sources: mirror to disk has asked them, and an archive cannot. */
async function policyOf({ archive, options, context, clients, onEvent }: Run): ReturnType<typeof loadPolicyCheck> {
  if (archive === undefined) return await loadPolicyCheck(options, context, clients)
  if (options.securePolicy) {
    onEvent({
      type: 'warning',
      message: '--secure-policy has no effect on archives: give it where images are mirrored to disk',
    })
  }
  return () => Promise.resolve()
}
