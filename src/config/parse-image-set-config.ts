/**
 * From the text of a configuration file to its value, or to everything that is wrong with it.
 *
 * Every problem names its place in the file. What `oc-mirror` v2 reads is read with the same meaning, and what it
 * refuses is refused with its words; what it silently ignores is a warning.
 */
import { isMap, isScalar } from 'yaml'
import type * as z from 'zod'
import { checkImageSet } from './check-image-set.ts'
import { closestKey } from './closest-key.ts'
import { ConfigSource } from './config-source.ts'
import { configWarnings } from './config-warnings.ts'
import type { DeleteImageSetConfig, ImageSet, ImageSetConfig, MirrorSet } from './image-set-config.ts'
import { deleteConfigSchema, imageSetConfigSchema } from './image-set-schema.ts'
import { readAgainstSchema } from './read-against-schema.ts'
import type { FoundProblem, ReadValue } from './read-against-schema.ts'
import { validateValue } from './validate-value.ts'
import { keyText, offsetOf, scalarText } from './yaml-document.ts'
import type { YamlDocument } from './yaml-document.ts'

export interface LoadedImageSetConfig {
  readonly config: ImageSetConfig
  /** One line each, with its place in the file. */
  readonly warnings: readonly string[]
}

export interface LoadedDeleteConfig {
  readonly config: DeleteImageSetConfig
  readonly warnings: readonly string[]
}

interface Kind<Config> {
  readonly name: string
  readonly stanza: 'mirror' | 'delete'
  readonly schema: z.ZodType<Config>
  readonly imageSet: (config: Config) => ImageSet
  readonly other: { readonly name: string; readonly stanza: string; readonly use: string }
}

const MIRROR: Kind<ImageSetConfig> = {
  name: 'ImageSetConfiguration',
  stanza: 'mirror',
  schema: imageSetConfigSchema,
  imageSet: (config) => config.mirror,
  other: { name: 'DeleteImageSetConfiguration', stanza: 'delete', use: 'give it to the delete command' },
}
const DELETE: Kind<DeleteImageSetConfig> = {
  name: 'DeleteImageSetConfiguration',
  stanza: 'delete',
  schema: deleteConfigSchema,
  imageSet: (config) => config.delete,
  other: { name: 'ImageSetConfiguration', stanza: 'mirror', use: 'it is for mirroring, not for the delete command' },
}

/**
 * @param file Name used in messages only; nothing is read.
 * @throws {import('./config-error.ts').ConfigError} `CONFIG_INVALID`, with every problem.
 */
export function parseImageSetConfig(text: string, file: string): LoadedImageSetConfig {
  return parse(text, file, MIRROR)
}

/**
 * @param file Name used in messages only; nothing is read.
 * @throws {import('./config-error.ts').ConfigError} `CONFIG_INVALID`, with every problem.
 */
export function parseDeleteConfig(text: string, file: string): LoadedDeleteConfig {
  return parse(text, file, DELETE)
}

function parse<Config>(
  text: string,
  file: string,
  kind: Kind<Config>,
): { readonly config: Config; readonly warnings: readonly string[] } {
  const source = new ConfigSource(file, text)
  const { document } = source
  if (document.problems.length > 0) {
    throw source.error(
      document.problems.map(({ offset, message }) => ({ offset, path: [], text: '', message: `yaml: ${message}` })),
    )
  }
  const kindProblem = checkKind(document, kind)
  if (kindProblem?.path.length === 1) throw source.error([kindProblem])

  const read = readAgainstSchema(document, kind.schema)
  const { value: config, problems } = validateValue(withKind(read, kind.name), kind.schema)
  const all = [
    ...(kindProblem === undefined ? [] : [kindProblem]),
    ...[...read.problems, ...problems].map((problem) => inContext(problem, kind)),
    ...(config === undefined ? [] : ruleProblems(kind.imageSet(config), read, kind.stanza)),
  ]
  if (all.length > 0 || config === undefined) throw source.error(all)
  const warnings = configWarnings(read, kind.imageSet(config), kind.stanza).map((warning) => source.warn(warning, read))
  return { config, warnings: [...source.documentWarnings(), ...warnings] }
}

function ruleProblems(set: ImageSet | MirrorSet, read: ReadValue, stanza: string): FoundProblem[] {
  const problems: FoundProblem[] = []
  checkImageSet(set, (below, message, hint) => {
    const { path, node } = read.nearest([stanza, ...below])
    const text = isScalar(node) ? scalarText(node) : ''
    problems.push({ offset: offsetOf(node), path, text, message, ...(hint !== undefined && { hint }) })
  })
  return problems
}

function checkKind<Config>(document: YamlDocument, { name, other }: Kind<Config>): FoundProblem | undefined {
  const { root } = document
  const pair = isMap(root) ? root.items.find((item) => keyText(item).toLowerCase() === 'kind') : undefined
  const node = document.resolve(pair?.value)
  if (!isScalar(node) || typeof node.value !== 'string' || node.value === '') {
    const hint = `write "kind: ${name}"`
    return { offset: offsetOf(node ?? root), path: [], text: '', message: 'configuration missing `kind`', hint }
  }
  if (node.value === name) return undefined
  const meant = closestKey(node.value, [name])
  const hint =
    node.value === other.name ? other.use : meant === undefined ? undefined : `did you mean ${JSON.stringify(meant)}?`
  return {
    offset: offsetOf(node),
    path: ['kind'],
    text: scalarText(node),
    message: `cannot parse ${JSON.stringify(node.value)} as ${JSON.stringify(name)}`,
    ...(hint !== undefined && { hint }),
  }
}

/** `kind` has been checked: whatever stands there is said once. */
function withKind(read: ReadValue, kind: string): ReadValue {
  const { value = {} } = read
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return read
  return { ...read, value: { ...value, kind } }
}

/** Says what the original says about the two stanzas. */
function inContext<Config>(problem: FoundProblem, kind: Kind<Config>): FoundProblem {
  const [first, second] = problem.path
  if (second !== undefined || typeof first !== 'string') return problem
  if (first === kind.stanza && problem.message.startsWith('missing key')) {
    return { ...problem, path: [], message: `configuration missing the \`${kind.stanza}\` stanza` }
  }
  if (first.toLowerCase() === kind.other.stanza) {
    const { hint: _, ...rest } = problem
    return { ...rest, path: [], message: `${kind.other.stanza}: is not allowed in ${kind.name}` }
  }
  return problem
}
