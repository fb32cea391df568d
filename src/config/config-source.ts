/**
 * The text of one configuration file, and the places in it that messages name.
 */
import { ConfigError, redactProblem } from './config-error.ts'
import type { ConfigProblem } from './config-error.ts'
import type { FoundProblem, Path, ReadValue } from './read-against-schema.ts'
import { offsetOf, parseYaml } from './yaml-document.ts'
import type { YamlDocument } from './yaml-document.ts'

/** Longest text that is parsed, in UTF-16 units. */
const MAX_LENGTH = 4 * 1024 * 1024

export class ConfigSource {
  readonly document: YamlDocument
  readonly #file: string

  /** @throws {ConfigError} for what is too large, or not text. */
  constructor(file: string, text: string) {
    this.#file = file
    const refusal =
      text.length > MAX_LENGTH
        ? `is larger than ${MAX_LENGTH / 1024 / 1024} MiB`
        : text.includes('\0')
          ? 'is not text: it holds a NUL character'
          : undefined
    this.document = parseYaml(refusal === undefined ? text : '')
    if (refusal !== undefined) throw this.error([{ offset: 0, path: [], text: '', message: refusal }])
  }

  error(problems: readonly FoundProblem[]): ConfigError {
    const sorted = problems.toSorted((a, b) => a.offset - b.offset)
    return new ConfigError(
      this.#file,
      sorted.map((problem) => this.#locate(problem)),
    )
  }

  warn({ path, message }: { readonly path: Path; readonly message: string }, read: ReadValue): string {
    const { line, column } = this.document.locate(offsetOf(read.nearest(path).node))
    return `${this.#file}:${line}:${column}: ${message}`
  }

  documentWarnings(): string[] {
    const { count } = this.document
    return count > 1 ? [`${this.#file}: only the first of ${count} documents is read`] : []
  }

  #locate({ offset, path, ...rest }: FoundProblem): ConfigProblem {
    return redactProblem({ file: this.#file, ...this.document.locate(offset), path: formatPath(path), ...rest })
  }
}

function formatPath(path: Path): string {
  return path.map((part, index) => (typeof part === 'number' ? `[${part}]` : index === 0 ? part : `.${part}`)).join('')
}
