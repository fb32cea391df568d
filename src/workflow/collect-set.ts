/**
 * The first half of every run: access, collection, plan.
 */
import { collectImages } from '../collect/collect-images.ts'
import { askTarget } from '../collect/target-state.ts'
import type { Collection } from '../plan/collection.ts'
import { makePlan } from '../plan/make-plan.ts'
import type { Plan } from '../plan/plan-types.ts'
import { NO_FACTS } from '../plan/target-facts.ts'
import { checkAccess } from './check-access.ts'
import { loadPolicyCheck } from './check-policy.ts'
import type { Run } from './open-run.ts'

export async function collectSet(run: Run): Promise<{ readonly collection: Collection; readonly plan: Plan }> {
  const { clients, set, base, onEvent, options, signal } = run
  onEvent({ type: 'phase', phase: 'check' })
  await checkBothSides(run)

  onEvent({ type: 'phase', phase: 'collect' })
  const total = set.wanted.length
  const collection = await collectImages(set.wanted, {
    signal,
    createdAt: run.createdAt,
    source: clients.sourceAt,
    takesSignatures: clients.takesSignatures,
    blockedBases: set.blockedBases,
    blocked: set.blocked,
    checkPolicy: await loadPolicyCheck(options, run.context, clients),
    onCollected: (origin, done) => onEvent({ type: 'image-collected', origin, done, total }),
  })
  for (const message of collection.warnings) onEvent({ type: 'warning', message })

  onEvent({ type: 'phase', phase: 'plan' })
  const facts =
    options.destination.kind === 'disk'
      ? NO_FACTS
      : await askTarget(collection, base, { signal, target: clients.targetAt })
  const plan = makePlan(collection, base, facts)
  onEvent({ type: 'planned', totals: plan.totals, blocked: plan.blocked.length, unresolved: plan.unresolved.length })
  return { collection, plan }
}

async function checkBothSides({ clients, set, options, context }: Run): Promise<void> {
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
