/** The command line: commands, their flags from the table, and their help. */
import { Command, CommanderError, Option } from 'commander'
import { AirliftError } from '../base/errors.ts'
import { addFlag, initialOf } from './add-flag.ts'
import type { CliContext } from './cli-context.ts'
import { runMirror } from './commands/mirror.ts'
import { renderVersion } from './commands/version.ts'
import type { Flag } from './flag.ts'
import { normalizeArguments } from './flag-values.ts'
import type { FlagValue, FlagValues } from './flag-values.ts'
import { MIRROR_FLAGS } from './flags.ts'
import { registerArchive } from './register-archive.ts'
import { VERSION } from './version.ts'

/**
 * Runs one command.
 *
 * @returns the exit code.
 * @throws {AirliftError} with what is wrong, in the words of the parser: `FLAG_INVALID`.
 */
export async function runCommandLine(args: readonly string[], context: CliContext): Promise<number> {
  let exitCode = 0
  const program = buildProgram(context, (code) => (exitCode = code))
  try {
    await program.parseAsync(normalizeArguments(args, MIRROR_FLAGS), { from: 'user' })
    return exitCode
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return 0
    throw parserError(error, context.program)
  }
}

function buildProgram(context: CliContext, setExitCode: (code: number) => void): Command {
  const name = context.program
  const program = new Command(name)
    .usage('-c <file> [--workspace file://<dir>] <destination> [flags]')
    .description(
      'Mirrors OpenShift content from the registries that a configuration names to one of yours.\n' +
        'A destination is docker://<registry>[/<namespace>], with --workspace; or file://<dir>, with --dry-run.',
    )
    .argument('[destination...]')
    .version(`${name} version ${VERSION}`, '-v, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .configureOutput({ writeOut: (text) => void context.stdout.write(text), writeErr: () => {}, outputError: () => {} })
    .exitOverride()
    .addHelpText('after', examples(name))
    .action(async (destinations: string[]) => {
      setExitCode(await runMirror(valuesOf(program), destinations, context))
    })
  for (const flag of MIRROR_FLAGS) addFlag(program, flag)
  registerArchive(program, context, setExitCode)
  registerVersion(program, context)
  registerCompletion(program, context)
  program.helpCommand('help [command]', 'print the help of a command')
  return program
}

function registerVersion(program: Command, context: CliContext): void {
  program
    .command('version')
    .description('print the version')
    .option('--output <format>', 'yaml or json')
    .addOption(new Option('--short', 'print the number alone').hideHelp())
    .addHelpText('after', `\nExamples:\n  ${context.program} version\n  ${context.program} version --output json\n`)
    .action((_options: unknown, command: Command) => {
      const { output, short } = command.optsWithGlobals<{ readonly output?: string; readonly short?: boolean }>()
      const text =
        short === true && output === undefined ? `v${VERSION}\n` : renderVersion({ output, platform: context.platform })
      context.stdout.write(text)
    })
}

function registerCompletion(program: Command, context: CliContext): void {
  const name = context.program
  program
    .command('completion')
    .description('print a completion script for a shell')
    .argument('<shell>', 'bash, zsh or fish')
    .addHelpText(
      'after',
      `\nExamples:\n  source <(${name} completion bash)\n` +
        `  ${name} completion zsh > "\${fpath[1]}/_${name}"\n` +
        `  ${name} completion fish > ~/.config/fish/completions/${name}.fish\n`,
    )
    .action(async (shell: string) => {
      const { renderCompletion } = await import('./commands/completion.ts')
      context.stdout.write(renderCompletion(shell, name))
    })
}

/** By name of the flag; a flag's other spelling counts where the flag itself is not given. */
function valuesOf(program: Command): FlagValues {
  const given = program.opts<Record<string, FlagValue | undefined>>()
  const keys = new Map(program.options.map((option) => [option.long ?? '', option.attributeName()]))
  const valueOf = (flag: Flag): FlagValue | undefined => given[keys.get(`--${flag.name}`) ?? '']
  return Object.fromEntries(
    MIRROR_FLAGS.map((flag) => {
      const spelling = MIRROR_FLAGS.find(({ sameAs }) => sameAs === flag.name)
      return [flag.name, valueOf(flag) ?? (spelling && valueOf(spelling)) ?? initialOf(flag)]
    }),
  )
}

function parserError(error: CommanderError, program: string): AirliftError {
  const [message = '', suggestion = ''] = error.message.replace(/^error: /, '').split('\n')
  const meant = /Did you mean (?<name>[^?]{1,60})\?/.exec(suggestion)?.groups?.['name']
  const words = message
    .replace(/^unknown option '(?<flag>.*)'$/, 'unknown flag: $<flag>')
    .replace(/^option '(?<flag>.*)' argument missing$/, 'flag needs an argument: $<flag>')
  return new AirliftError('FLAG_INVALID', words, {
    hint: meant === undefined ? `see ${program} --help` : `did you mean ${meant}?`,
  })
}

function examples(name: string): string {
  return `
Examples:
  # what would be copied, and how many bytes
  ${name} -c isc.yaml --workspace file:///data/mirror docker://registry.example:5000/ocp --dry-run

  # to a disk that is carried to the other side
  ${name} -c isc.yaml file:///data/archive

  # from that disk into the mirror registry there
  ${name} -c isc.yaml --from file:///data/archive docker://registry.example:5000/ocp

  # from the source registries straight into a mirror registry
  ${name} -c isc.yaml --workspace file:///data/mirror docker://registry.example:5000/ocp

  # the same, for programs: one event on each line
  ${name} -c isc.yaml --workspace file:///data/mirror docker://registry.example:5000/ocp --output json
`
}
