/**
 * What is wrong with a configuration file: every problem at once, each with its place in the file.
 */
import { AirliftError } from '../base/errors.ts'
import { redact } from '../base/redact.ts'
import { plural } from '../base/units.ts'

export interface ConfigProblem {
  /** As the user named it. */
  readonly file: string
  /** From 1. */
  readonly line: number
  /** From 1, in UTF-16 units. */
  readonly column: number
  /** Keys that lead there, with their canonical spelling: `mirror.operators[0].catalog`; '' for the file. */
  readonly path: string
  /** The offending text as it stands in the file, cut to one line; '' where something is missing. */
  readonly text: string
  readonly message: string
  /** What to write instead, where that can be told. */
  readonly hint?: string
}

const MAX_SHOWN = 100

export class ConfigError extends AirliftError {
  override readonly name: string = 'ConfigError'
  readonly problems: readonly ConfigProblem[]

  constructor(file: string, problems: readonly ConfigProblem[]) {
    super('CONFIG_INVALID', describe(file, problems))
    this.problems = problems
  }
}

export function isConfigError(error: unknown): error is ConfigError {
  return error instanceof ConfigError
}

/** Takes credentials out of what a URL in the file may hold. */
export function redactProblem(problem: ConfigProblem): ConfigProblem {
  return {
    ...problem,
    path: redact(problem.path),
    text: redact(problem.text),
    message: redact(problem.message),
    ...(problem.hint !== undefined && { hint: redact(problem.hint) }),
  }
}

/** `isc.yaml:5:3: mirror.additionalImage: unknown field "additionalImage"; did you mean "additionalImages"?` */
function formatProblem({ file, line, column, path, message, hint }: ConfigProblem): string {
  return `${file}:${line}:${column}: ${path === '' ? '' : `${path}: `}${message}${hint === undefined ? '' : `; ${hint}`}`
}

function describe(file: string, problems: readonly ConfigProblem[]): string {
  const lines = problems.slice(0, MAX_SHOWN).map(formatProblem)
  if (problems.length > MAX_SHOWN) lines.push(`${file}: and ${problems.length - MAX_SHOWN} more`)
  return problems.length === 1
    ? lines.join('')
    : [`${file}: ${plural(problems.length, 'problem')}`, ...lines].join('\n')
}
