/** Why an image is missing, as the report and programs read it. */
import type { AirliftError } from '../base/errors.ts'
import { messageOf } from '../base/errors.ts'
import type { UnresolvedImage } from '../plan/collection.ts'
import type { ImageFailure, PlannedImage } from '../plan/plan-types.ts'

export function failureOf(image: PlannedImage, error: AirliftError): ImageFailure {
  return { kind: image.wanted.kind, origin: image.wanted.origin, target: image.id, ...reason(error, 'target') }
}

export function unresolvedFailure({ kind, origin, error }: UnresolvedImage): ImageFailure {
  return { kind, origin, ...reason(error, 'source') }
}

/** Errors of a client say which side they are from; any other is of the side that was being worked on. */
function reason(error: AirliftError, side: ImageFailure['side']): Omit<ImageFailure, 'kind' | 'origin' | 'target'> {
  const named = error.details['side']
  return {
    side: named === 'source' || named === 'target' ? named : side,
    code: error.code,
    message: messageOf(error),
    ...(error.hint !== undefined && { hint: error.hint }),
  }
}
