/** `archive list|verify|extract|serve`: from their table to the parser. */
import type { Command } from 'commander'
import { AirliftError } from '../base/errors.ts'
import { addFlag, initialOf } from './add-flag.ts'
import { ARCHIVE_COMMANDS } from './archive-commands.ts'
import type { ArchiveCommand } from './archive-commands.ts'
import type { CliContext } from './cli-context.ts'
import type { FlagValue, FlagValues } from './flag-values.ts'

/** @returns the exit code. */
type ArchiveAction = (words: readonly string[], values: FlagValues, context: CliContext) => Promise<number>

export function registerArchive(program: Command, context: CliContext, setExitCode: (code: number) => void): void {
  const group = program
    .command('archive')
    .description('list, verify, extract and serve archives, ours and those of oc-mirror')
    .configureHelp({ subcommandTerm: (command) => `${command.name()} ${command.usage()}` })
    .action(() => group.help())
  for (const entry of ARCHIVE_COMMANDS) {
    const command = group.command(entry.name)
    command
      .description(entry.help)
      .usage(`${entry.arguments} [flags]`)
      .argument('[words...]')
      .addHelpText('after', examples(entry, context.program))
      .action(async (words: string[]) => {
        const values = valuesOf(entry, command)
        checkOutput(values)
        const action = await loadAction(entry.name)
        setExitCode(await action(words, values, context))
      })
    for (const flag of entry.flags) addFlag(command, flag)
  }
}

async function loadAction(name: ArchiveCommand['name']): Promise<ArchiveAction> {
  switch (name) {
    case 'list':
      return (await import('./commands/archive-list.ts')).runArchiveList
    case 'verify':
      return (await import('./commands/archive-verify.ts')).runArchiveVerify
    case 'extract':
      return (await import('./commands/archive-extract.ts')).runArchiveExtract
    case 'serve':
      return (await import('./commands/archive-serve.ts')).runArchiveServe
  }
}

/** Flags that the main command has too are its own where both are given. */
function valuesOf({ flags }: ArchiveCommand, command: Command): FlagValues {
  const given = command.optsWithGlobals<Record<string, FlagValue | undefined>>()
  const keys = new Map(command.options.map((option) => [option.long ?? '', option.attributeName()]))
  return Object.fromEntries(
    flags.map((flag) => [flag.name, given[keys.get(`--${flag.name}`) ?? ''] ?? initialOf(flag)]),
  )
}

function checkOutput({ output }: FlagValues): void {
  if (output === undefined || output === 'json') return
  throw new AirliftError('FLAG_INVALID', `--output must be 'json', not ${JSON.stringify(output)}`)
}

function examples({ examples }: ArchiveCommand, program: string): string {
  return `\nExamples:\n${examples.map(([comment, words]) => `  # ${comment}\n  ${program} ${words}\n`).join('\n')}`
}
