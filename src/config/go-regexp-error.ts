/** What is wrong with a Go regular expression, in the words of Go's `regexp/syntax`, which users search for. */
import { AirliftError } from '../base/errors.ts'

/** @param part The part of the pattern that Go would quote. */
export function regexpError(problem: string, part: string): AirliftError {
  return new AirliftError('CONFIG_INVALID', `error parsing regexp: ${problem}: \`${part}\``)
}
