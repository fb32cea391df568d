/** From a flag of a table to an option of the parser. */
import { Option } from 'commander'
import type { Command } from 'commander'
import type { Flag } from './flag.ts'
import { parseFlagValue } from './flag-values.ts'

export function addFlag(command: Command, flag: Flag): void {
  const short = flag.short === undefined ? '' : `-${flag.short}, `
  const value = flag.type === 'boolean' ? '' : ` <${flag.value ?? flag.type}>`
  const initial = flag.initial === undefined ? '' : ` (default ${flag.initial})`
  const option = new Option(
    `${short}--${flag.name}${value}`,
    `${flag.help}${flag.effect === 'later' ? ' (no effect yet)' : initial}`,
  ).hideHelp(flag.hidden ?? false)
  if (flag.repeatable === true)
    option.argParser((text: string, earlier: readonly string[] | undefined) => [...(earlier ?? []), text])
  else if (flag.type !== 'boolean') option.argParser((text: string) => parseFlagValue(flag, text))
  command.addOption(option)
  if (flag.type === 'boolean') command.addOption(new Option(`--no-${flag.name}`).hideHelp())
}

export function initialOf(flag: Flag): string | number | undefined {
  return flag.initial === undefined || flag.type === 'boolean' ? undefined : parseFlagValue(flag, flag.initial)
}
