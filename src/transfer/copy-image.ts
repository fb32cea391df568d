/**
 * Copies one image of a plan: its blobs, then its manifests, children first.
 *
 * Order is the invariant: once a manifest is in the target, so is all that it
 * names, and a killed run resumes by running again. The tag comes last of all.
 */
import { AirliftError, isAirliftError } from '../base/errors.ts'
import { mapLimit } from '../base/map-limit.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import type { PlannedImage, PlannedManifest } from '../plan/plan-types.ts'
import { copyBlob } from './copy-blob.ts'
import type { TransferContext } from './transfer-context.ts'

export async function copyImage(image: PlannedImage, context: TransferContext, signal: AbortSignal): Promise<void> {
  try {
    await copyAll(image, missingManifests(image), context, { signal, askAgain: false })
  } catch (error) {
    // The target lost something between the plan and now, such as to a garbage collection: what the plan says of it no longer holds.
    if (!isLostContent(error) || signal.aborted) throw asSparse(error, image)
    await copyAll(image, image.manifests, context, { signal, askAgain: true }).catch((again: unknown) => {
      throw asSparse(again, image)
    })
  }
}

interface CopyAllOptions {
  readonly signal: AbortSignal
  /** Ask the target for every blob, whatever the plan says. */
  readonly askAgain: boolean
}

async function copyAll(
  image: PlannedImage,
  manifests: readonly PlannedManifest[],
  context: TransferContext,
  { signal, askAgain }: CopyAllOptions,
): Promise<void> {
  const blobs = ownedFirst(image, manifests, context)
  await mapLimit(
    blobs,
    context.parallelBlobs,
    (blob, inner) => copyBlob(image, blob, { ...context, askAgain }, inner),
    { signal },
  )
  for (const manifest of manifests) await pushManifest(image, manifest, context, signal)
}

function missingManifests({ manifests }: PlannedImage): readonly PlannedManifest[] {
  return manifests.filter(({ present, tags }) => !present || tags.length > 0)
}

/** Blobs that others bring come last, so that waiting for them holds up none that can move now. */
function ownedFirst(
  image: PlannedImage,
  manifests: readonly PlannedManifest[],
  { ledger }: TransferContext,
): Descriptor[] {
  const blobs = new Map(
    manifests.flatMap(({ blobs }) => blobs.map((blob): [Digest, Descriptor] => [blob.digest, blob])),
  )
  const isOwn = ({ digest }: Descriptor): boolean => ledger.isOwner(digest, image.target.repository)
  const [own, others] = [[...blobs.values()].filter(isOwn), [...blobs.values()].filter((blob) => !isOwn(blob))]
  return [...own.toSorted((a, b) => b.size - a.size), ...others]
}

async function pushManifest(
  image: PlannedImage,
  planned: PlannedManifest,
  context: TransferContext,
  signal: AbortSignal,
): Promise<void> {
  const { digest } = planned.descriptor
  const manifest = context.manifests.get(digest)
  if (manifest === undefined) throw new Error(`manifest ${digest} is not in the collection`)
  const sink = context.target(image.target)
  for (const tag of planned.tags.length === 0 ? [undefined] : planned.tags) {
    await sink.putManifest(manifest, { signal, ...(tag !== undefined && { tag }) })
    context.counts.manifestsPushed += 1
    context.onEvent({ type: 'manifest-finished', image: image.id, digest, ...(tag !== undefined && { tag }) })
  }
}

const LOST = ['MANIFEST_BLOB_UNKNOWN', 'BLOB_UNKNOWN', 'MANIFEST_UNKNOWN']

function isLostContent(error: unknown): error is AirliftError {
  return isAirliftError(error) && LOST.includes(String(error.details['serverCode']))
}

/** A registry that refuses an index without all its instances gets its own words for what to do about it. */
function asSparse(error: unknown, image: PlannedImage): unknown {
  const isSparse = image.manifests.some(({ manifests }) =>
    manifests.some((child) => !image.manifests.some(({ descriptor }) => descriptor.digest === child)),
  )
  if (!isSparse || !isLostContent(error)) return error
  const all = image.manifests.flatMap(({ manifests }) => manifests).length
  const chosen = image.manifests.length - 1
  return new AirliftError(
    'INDEX_SPARSE',
    `the target refuses the index of ${image.wanted.origin} with ${chosen} of its ${all} instances`,
    {
      cause: error,
      hint: `take "platforms" away to mirror all ${all} instances, or use a registry that takes sparse indexes`,
    },
  )
}
