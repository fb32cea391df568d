/** From images in memory to a plan, by the code that a run uses. */
import { collectImages } from '../../src/collect/collect-images.ts'
import { askTarget } from '../../src/collect/target-state.ts'
import type { Collection, ImageKind, WantedImage } from '../../src/plan/collection.ts'
import { makePlan } from '../../src/plan/make-plan.ts'
import type { Plan } from '../../src/plan/plan-types.ts'
import type { TargetBase } from '../../src/plan/target.ts'
import { sourceOf } from './memory-registry.ts'
import type { MemoryRegistry } from './memory-registry.ts'

export const BASE: TargetBase = { registry: 'mirror.example:5000', namespace: 'ns', maxNestedPaths: 0 }

export function wanted(repository: string, tag = 'v1', more: Partial<WantedImage> = {}): WantedImage {
  return {
    kind: 'generic' satisfies ImageKind,
    origin: `quay.example/${repository}:${tag}`,
    source: `docker://quay.example/${repository}:${tag}`,
    place: { kind: 'repository', registry: 'quay.example', repository },
    name: tag,
    repository,
    tag,
    sourceHas: { tag: true, digest: false },
    ...more,
  }
}

export async function collected(source: MemoryRegistry, images: readonly WantedImage[]): Promise<Collection> {
  return await collectImages(images, {
    signal: new AbortController().signal,
    createdAt: '2026-01-16T11:15:20Z',
    source: async (place) => sourceOf(source, place),
    takesSignatures: () => true,
    blockedBases: [],
    blocked: [],
    checkPolicy: async () => undefined,
    onCollected: () => undefined,
  })
}

export async function planned(
  source: MemoryRegistry,
  target: MemoryRegistry,
  images: readonly WantedImage[],
): Promise<{ readonly plan: Plan; readonly collection: Collection }> {
  const collection = await collected(source, images)
  const facts = await askTarget(collection, BASE, {
    signal: new AbortController().signal,
    target: (name) => target.sink(name),
  })
  return { plan: makePlan(collection, BASE, facts), collection }
}
