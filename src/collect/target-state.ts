/**
 * Asks the target what it holds already: one request for each manifest, and one
 * for each blob that no repository of the plan is known to hold.
 */
import { isAirliftError } from '../base/errors.ts'
import { mapLimit } from '../base/map-limit.ts'
import type { ImageSink } from '../content/ports.ts'
import type { Digest } from '../oci/digest.ts'
import type { RepositoryName } from '../oci/reference.ts'
import type { Collection, ResolvedImage } from '../plan/collection.ts'
import { imageGraph } from '../plan/image-graph.ts'
import type { GraphManifest } from '../plan/image-graph.ts'
import { blobsToAsk } from '../plan/make-plan.ts'
import type { TargetFacts } from '../plan/target-facts.ts'
import { targetOf } from '../plan/target.ts'
import type { TargetBase } from '../plan/target.ts'

const PARALLEL_QUESTIONS = 48

interface Question {
  readonly repository: string
  readonly node: GraphManifest
}

interface Answer {
  readonly tag?: readonly [string, Digest]
  readonly present?: Digest
}

/**
 * A question that the target refuses counts as «not there»: the copy of that image then fails with the target's own words, and the
 * others go on.
 */
export async function askTarget(
  collection: Collection,
  base: TargetBase,
  options: { readonly signal: AbortSignal; readonly target: (name: RepositoryName) => ImageSink },
): Promise<TargetFacts> {
  const sink = (repository: string): ImageSink => options.target({ registry: base.registry, repository })
  const questions = collection.images.flatMap((image) => questionsOf(image, base, collection))
  const answers = await mapLimit(
    questions,
    PARALLEL_QUESTIONS,
    (question, signal) => ask(question, sink(question.repository), signal),
    options,
  )
  const tags = new Map(answers.flatMap(({ tag }) => (tag === undefined ? [] : [tag])))
  const manifests = new Map<string, Set<Digest>>()
  for (const [index, { repository }] of questions.entries()) add(manifests, repository, answers[index]?.present)

  const wanted = blobsToAsk(collection, base, { tags, manifests, blobs: new Map() })
  const found = await mapLimit(
    wanted,
    PARALLEL_QUESTIONS,
    ({ repository, content }, signal) => tolerant(signal, () => sink(repository).has(content, { signal })),
    options,
  )
  const blobs = new Map<string, Set<Digest>>()
  for (const [index, { repository, content }] of wanted.entries())
    add(blobs, repository, found[index] === true ? content.digest : undefined)
  return { tags, manifests, blobs }
}

function questionsOf(image: ResolvedImage, base: TargetBase, collection: Collection): readonly Question[] {
  try {
    const { repository, tag } = targetOf(image, base)
    return imageGraph(image, tag, collection.manifests).map((node) => ({ repository, node }))
  } catch (error) {
    if (isAirliftError(error)) return []
    throw error
  }
}

/** A tagged manifest is asked for by its tag: one answer tells both where the tag points and whether it is there. */
async function ask({ repository, node }: Question, sink: ImageSink, signal: AbortSignal): Promise<Answer> {
  const { digest } = node.manifest.descriptor
  const [tag] = node.tags
  const found = await tolerant(signal, () => sink.head(tag ?? digest, { signal }))
  if (found === undefined) return {}
  return {
    ...(tag !== undefined && { tag: [`${repository}:${tag}`, found.digest] as const }),
    ...(found.digest === digest && { present: digest }),
  }
}

async function tolerant<T>(signal: AbortSignal, question: () => Promise<T>): Promise<T | undefined> {
  try {
    return await question()
  } catch (error) {
    if (signal.aborted || !isAirliftError(error)) throw error
    return undefined
  }
}

function add(table: Map<string, Set<Digest>>, repository: string, digest: Digest | undefined): void {
  if (digest === undefined) return
  const held = table.get(repository) ?? new Set()
  table.set(repository, held.add(digest))
}
