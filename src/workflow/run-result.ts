/** How a run ended: the value that the command line reports, and the exit code that scripts test. */
import { isAirliftError } from '../base/errors.ts'
import { IMAGE_KINDS } from '../plan/collection.ts'
import type { ImageKind } from '../plan/collection.ts'
import type { ImageFailure, Outcome, Plan } from '../plan/plan-types.ts'

export interface RunResult {
  /** `oc-mirror`'s bit mask of the kinds that failed; 0 where all went well. */
  readonly exitCode: number
  readonly plan: Plan
  /** Absent for a dry run. */
  readonly outcome?: Outcome
  /** Of a run that writes an archive: its volumes, to be carried; none where there was nothing new. */
  readonly volumes?: readonly { readonly path: string; readonly size: number }[]
  /** Files for the user, absolute, in the order in which they were written. */
  readonly files: readonly string[]
}

/** Of an error that ends the run before there is a result: of the kind that it is about, where it says one. */
export function exitCodeOfError(error: unknown): number {
  const kind = isAirliftError(error) ? error.details['kind'] : undefined
  return kind !== undefined && isImageKind(kind) ? EXIT_BIT[kind] : 1
}

const EXIT_BIT: Readonly<Record<ImageKind, number>> = {
  ocpRelease: 2,
  ocpReleaseContent: 2,
  cincinnatiGraph: 2,
  operatorRelatedImage: 4,
  operatorBundle: 4,
  operatorCatalog: 4,
  generic: 8,
  helmImage: 16,
}

/** What was not started, since another failed, counts as failed. */
export function exitCodeOf({ failures, notStarted }: Pick<Outcome, 'failures' | 'notStarted'>): number {
  const kinds = [...failures.map(({ kind }: ImageFailure) => kind), ...notStarted.map(({ wanted }) => wanted.kind)]
  return kinds.reduce((mask, kind) => mask | EXIT_BIT[kind], 0)
}

function isImageKind(kind: string | number): kind is ImageKind {
  return IMAGE_KINDS.some((known) => known === kind)
}
