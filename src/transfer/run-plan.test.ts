import { describe, expect, it } from 'vitest'
import { AirliftError } from '../base/errors.ts'
import type { CarryOptions, CarryOrder } from '../content/ports.ts'
import type { WantedImage } from '../plan/collection.ts'
import type { Outcome } from '../plan/plan-types.ts'
import { MemoryCarrier, MemoryRegistry } from '../../test/support/memory-registry.ts'
import { planned, wanted } from '../../test/support/planned-images.ts'
import { attachReferrer, attachSignature, randomImage, randomIndex } from '../../test/support/random-image.ts'
import type { EventSink } from './events.ts'
import { runPlan } from './run-plan.ts'

const PLATFORMS = [
  { os: 'linux', architecture: 'amd64' },
  { os: 'linux', architecture: 'arm64' },
]

/** Three images with a base in common, one of them an index with a signature and an SBOM. */
function sourceRegistry(): MemoryRegistry {
  const source = new MemoryRegistry()
  source.add('a/one', randomImage({ seed: 1, sharedLayers: 1 }), 'v1')
  source.add('a/two', randomImage({ seed: 2, sharedLayers: 1 }), 'v1')
  const index = randomIndex({ seed: 3, platforms: PLATFORMS, sharedLayers: 1 })
  source.add('b/three', index, 'v1')
  const signature = attachSignature(index)
  source.add('b/three', signature.image, signature.tag)
  source.add('b/three', attachReferrer(index))
  return source
}

const IMAGES = [wanted('a/one'), wanted('a/two'), wanted('b/three')]

interface RunOptions {
  readonly images?: readonly WantedImage[]
  readonly onEvent?: EventSink
  readonly signal?: AbortSignal
  readonly keepGoing?: boolean
  readonly carrier?: MemoryCarrier
}

async function run(source: MemoryRegistry, target: MemoryRegistry, options: RunOptions = {}): Promise<Outcome> {
  const { plan, collection } = await planned(source, target, options.images ?? IMAGES)
  return await runPlan(plan, {
    target: (name) => target.sink(name),
    carrier: options.carrier ?? new MemoryCarrier(source, target),
    manifests: collection.manifests,
    parallelBlobs: 3,
    parallelImages: 2,
    keepGoing: options.keepGoing ?? false,
    signal: options.signal ?? new AbortController().signal,
    onEvent: options.onEvent ?? (() => undefined),
  })
}

/** The target after an undisturbed run. */
async function wholeTarget(): Promise<unknown> {
  const target = new MemoryRegistry()
  await run(sourceRegistry(), target)
  return target.content()
}

class FailingCarrier extends MemoryCarrier {
  readonly #fails: (order: CarryOrder) => boolean

  constructor(source: MemoryRegistry, target: MemoryRegistry, fails: (order: CarryOrder) => boolean) {
    super(source, target)
    this.#fails = fails
  }

  override async carry(order: CarryOrder, options: CarryOptions): Promise<void> {
    if (this.#fails(order))
      throw new AirliftError('REGISTRY_UNREACHABLE', 'connection refused', { details: { side: 'source' } })
    await super.carry(order, options)
  }
}

describe('runPlan', () => {
  it('brings every blob, manifest, tag, signature and referrer', async () => {
    const [source, target] = [sourceRegistry(), new MemoryRegistry()]

    const outcome = await run(source, target)

    expect(outcome).toMatchObject({ failures: [], notStarted: [], copied: [{}, {}, {}] })
    const expected = JSON.parse(JSON.stringify(source.content())) as { name: string }[]
    expect(target.content()).toEqual(expected.map((repository) => ({ ...repository, name: `ns/${repository.name}` })))
  })

  it('fetches a shared blob once and mounts it elsewhere', async () => {
    const [source, target] = [sourceRegistry(), new MemoryRegistry()]
    const carrier = new MemoryCarrier(source, target)

    const { counts } = await run(source, target, { carrier })

    const digests = carrier.orders.map(({ content }) => content.digest)
    expect(new Set(digests).size).toBe(digests.length)
    expect(counts).toMatchObject({ blobsMounted: 2, mountsRefused: 0, blobsFetched: digests.length })
  })

  it('fetches again where the target refuses a mount, and counts that', async () => {
    const [source, target] = [sourceRegistry(), new MemoryRegistry({ mounts: false })]

    const { counts, failures } = await run(source, target)

    expect(failures).toEqual([])
    expect(counts).toMatchObject({ blobsMounted: 0, mountsRefused: 2 })
  })

  it('asks the target and copies nothing the second time', async () => {
    const [source, target] = [sourceRegistry(), new MemoryRegistry()]
    await run(source, target)
    const before = target.count('putManifest')

    const { counts, copied } = await run(source, target)

    expect(copied).toHaveLength(3)
    expect(counts).toMatchObject({ blobsFetched: 0, blobsMounted: 0, manifestsPushed: 0, bytesFetched: 0 })
    expect(target.count('putManifest')).toBe(before)
  })

  it('moves a tag that pointed elsewhere without copying what is there', async () => {
    const [source, target] = [sourceRegistry(), new MemoryRegistry()]
    await run(source, target)
    target.add('ns/a/one', randomImage({ seed: 99 }), 'v1')

    const { counts } = await run(source, target)

    expect(counts).toMatchObject({ blobsFetched: 0, manifestsPushed: 1 })
    expect(target.sink({ repository: 'ns/a/one' })).toBeDefined()
    expect(await target.sink({ repository: 'ns/a/one' }).head('v1', { signal: AbortSignal.timeout(1000) })).toEqual(
      await source.sink({ repository: 'a/one' }).head('v1', { signal: AbortSignal.timeout(1000) }),
    )
  })

  it('copies the others where one image fails, also the blobs that it was to bring', async () => {
    const [source, target] = [sourceRegistry(), new MemoryRegistry()]
    const carrier = new FailingCarrier(
      source,
      target,
      ({ from }) => from.kind === 'repository' && from.repository === 'a/one',
    )

    const outcome = await run(source, target, { carrier })

    expect(outcome.failures).toEqual([
      expect.objectContaining({ origin: 'quay.example/a/one:v1', side: 'source', code: 'REGISTRY_UNREACHABLE' }),
    ])
    expect(outcome.copied.map(({ id }) => id)).toEqual([
      'mirror.example:5000/ns/a/two:v1',
      'mirror.example:5000/ns/b/three:v1',
    ])
  })

  it.each([
    { keepGoing: false, notStarted: 2 },
    { keepGoing: true, notStarted: 0 },
  ])(
    'starts $notStarted fewer images after a release image failed, keepGoing $keepGoing',
    async ({ keepGoing, notStarted }) => {
      const [source, target] = [sourceRegistry(), new MemoryRegistry()]
      const images = [wanted('no/such', 'v1', { kind: 'ocpRelease' }), wanted('a/one'), wanted('a/two')]

      const outcome = await run(source, target, { images, keepGoing })

      expect(outcome.failures).toEqual([expect.objectContaining({ code: 'MANIFEST_UNKNOWN', kind: 'ocpRelease' })])
      expect(outcome.notStarted).toHaveLength(notStarted)
    },
  )

  it('tells what a sparse index would cost where the target refuses it', async () => {
    const [source, target] = [sourceRegistry(), new MemoryRegistry()]
    const images = [wanted('b/three', 'v1', { platforms: PLATFORMS.slice(0, 1) })]

    const outcome = await run(source, target, { images })

    expect(outcome.failures).toEqual([
      expect.objectContaining({ code: 'INDEX_SPARSE', hint: expect.stringContaining('all 2 instances') }),
    ])
  })

  it('pushes a sparse index as it is where the target takes it', async () => {
    const [source, target] = [sourceRegistry(), new MemoryRegistry({ sparse: true })]
    const images = [wanted('b/three', 'v1', { platforms: PLATFORMS.slice(0, 1) })]

    const outcome = await run(source, target, { images })

    expect(outcome.failures).toEqual([])
    const index = await target.sink({ repository: 'ns/b/three' }).manifest('v1', { signal: AbortSignal.timeout(1000) })
    expect(index?.kind === 'index' && index.manifests).toHaveLength(2)
  })

  it('copies again what the target lost between the plan and the push', async () => {
    const [source, target] = [sourceRegistry(), new MemoryRegistry()]
    target.add('ns/a/one', { ...randomImage({ seed: 1, sharedLayers: 1 }), manifests: [] })
    let cleared = 0

    const outcome = await run(source, target, {
      images: [wanted('a/one')],
      onEvent: (event) => {
        if (event.type !== 'image-started') return
        cleared += 1
        target.repositories.get('ns/a/one')?.blobs.clear()
      },
    })

    expect(cleared).toBe(1)
    expect(outcome.counts.blobsFetched).toBe(3)
    expect(outcome.failures).toEqual([])
  })

  it('ends in the same state, and fetches nothing twice, wherever it is stopped', async () => {
    const expected = await wholeTarget()
    let stoppedAt = 0
    for (let isDone = false; !isDone; stoppedAt += 1) {
      const [source, target] = [sourceRegistry(), new MemoryRegistry()]
      const carrier = new MemoryCarrier(source, target)
      const stop = new AbortController()
      let events = 0
      const onEvent: EventSink = () => {
        events += 1
        if (events === stoppedAt + 1) stop.abort(new Error('stopped'))
      }
      isDone = await run(source, target, { carrier, onEvent, signal: stop.signal }).then(
        () => true,
        () => false,
      )

      await run(source, target, { carrier })

      const places = carrier.orders.map(({ content }) => content.digest)
      expect(target.content(), `stopped at event ${stoppedAt}`).toEqual(expected)
      expect(new Set(places).size, `stopped at event ${stoppedAt}`).toBe(places.length)
    }
    expect(stoppedAt).toBeGreaterThan(20)
  })
})
