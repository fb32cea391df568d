/** `completion`: scripts for shells, made from the table of flags. */
import { AirliftError } from '../../base/errors.ts'
import { ARCHIVE_COMMANDS } from '../archive-commands.ts'
import type { Flag } from '../flag.ts'
import { MIRROR_FLAGS } from '../flags.ts'

const COMMANDS: Readonly<Record<string, string>> = {
  archive: 'list, verify, extract and serve archives',
  version: 'print the version',
  completion: 'print a completion script for a shell',
  help: 'print the help of a command',
}
const ARCHIVE = ARCHIVE_COMMANDS.map(({ name }) => name).join(' ')
const SHELLS = ['bash', 'zsh', 'fish'] as const
const FLAGS = MIRROR_FLAGS.filter(({ hidden }) => hidden !== true)

/** @throws {AirliftError} `FLAG_INVALID` for any other shell. */
export function renderCompletion(shell: string, program: string): string {
  switch (shell) {
    case 'bash':
      return bashScript(program)
    case 'zsh':
      return zshScript(program)
    case 'fish':
      return fishScript(program)
    default:
      throw new AirliftError('FLAG_INVALID', `no completion for ${JSON.stringify(shell)}`, {
        hint: `name one of ${SHELLS.join(', ')}`,
      })
  }
}

/** A name that a shell takes for a function. */
function functionName(program: string): string {
  return `_${program.replaceAll('-', '_')}`
}

function spellings(flag: Flag): string[] {
  return [`--${flag.name}`, ...(flag.short === undefined ? [] : [`-${flag.short}`])]
}

function bashScript(program: string): string {
  const name = functionName(program)
  const withValue = FLAGS.filter(({ type }) => type !== 'boolean')
  const cases = withValue.flatMap((flag) => {
    const reply = bashReply(flag)
    return reply === undefined ? [] : [`    ${spellings(flag).join('|')}) ${reply}; return ;;`]
  })
  const silent = withValue.filter((flag) => bashReply(flag) === undefined).flatMap(spellings)
  return `# bash completion for ${program}
${name}() {
  local word=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]}
  COMPREPLY=()
  case $previous in
${cases.join('\n')}
    ${silent.join('|')}) return ;;
    completion) COMPREPLY=($(compgen -W '${SHELLS.join(' ')}' -- "$word")); return ;;
    archive) COMPREPLY=($(compgen -W '${ARCHIVE}' -- "$word")); return ;;
    ${ARCHIVE.replaceAll(' ', '|')}) COMPREPLY=($(compgen -d -- "$word")); return ;;
  esac
  case $word in
    -*) COMPREPLY=($(compgen -W '${[...FLAGS.flatMap(spellings), '--help', '--version'].join(' ')}' -- "$word")) ;;
    *) COMPREPLY=($(compgen -W '${Object.keys(COMMANDS).join(' ')} docker:// file://' -- "$word")) ;;
  esac
}
complete -o nospace -o bashdefault -F ${name} ${program}
`
}

function bashReply({ type, choices, name }: Flag): string | undefined {
  if (choices !== undefined) return `COMPREPLY=($(compgen -W '${choicesOf(name, choices).join(' ')}' -- "$word"))`
  if (type === 'file') return 'COMPREPLY=($(compgen -f -- "$word"))'
  if (type === 'directory') return 'COMPREPLY=($(compgen -d -- "$word"))'
  return type === 'url' ? `COMPREPLY=($(compgen -W 'file://' -- "$word"))` : undefined
}

/** \`version\` knows one format more than a run. */
function choicesOf(name: string, choices: readonly string[]): readonly string[] {
  return name === 'output' ? [...choices, 'yaml'] : choices
}

function zshScript(program: string): string {
  const name = functionName(program)
  const flags = FLAGS.map((flag) => {
    const help = quote(`[${flag.help.replaceAll(/[[\]]/g, '')}]`)
    const value = zshValue(flag)
    return `    ${flagForms(flag)}${help}${value === '' ? '' : quote(value)}`
  })
  const commands = Object.entries(COMMANDS).map(([command, help]) => `    ${quote(`${command}:${help}`)}`)
  return `#compdef ${program}
${name}() {
  local -a commands
  commands=(
${commands.join('\n')}
    'docker\\://:mirror to a registry'
    'file\\://:mirror to a disk'
  )
  _arguments -s \\
${flags.map((flag) => `${flag} \\`).join('\n')}
    '(-h --help)'{-h,--help}'[print help]' \\
    '(-v --version)'{-v,--version}'[print the version]' \\
    '*::word:->words'
  if [[ $state == words ]]; then
    if [[ \${words[1]} == completion ]]; then compadd ${SHELLS.join(' ')}
    elif [[ \${words[1]} == archive && $CURRENT == 2 ]]; then compadd ${ARCHIVE}
    elif [[ \${words[1]} == archive ]]; then _files; else _describe command commands; fi
  fi
}
compdef ${name} ${program}
`
}

function flagForms(flag: Flag): string {
  if (flag.short === undefined) return `--${flag.name}`
  return `'(-${flag.short} --${flag.name})'{-${flag.short},--${flag.name}}`
}

function zshValue({ type, value = 'value', name, choices }: Flag): string {
  if (choices !== undefined) return `:${value}:(${choicesOf(name, choices).join(' ')})`
  switch (type) {
    case 'boolean':
      return ''
    case 'file':
      return `:${value}:_files`
    case 'directory':
      return `:${value}:_directories`
    case 'url':
      return ':directory:(file\\://)'
    case 'string':
    case 'integer':
    case 'duration':
      return `:${value}:`
  }
}

function fishScript(program: string): string {
  const flags = FLAGS.map((flag) => {
    const short = flag.short === undefined ? '' : ` -s ${flag.short}`
    return `complete -c ${program} -l ${flag.name}${short}${fishValue(flag)} -d ${quote(flag.help)}`
  })
  const commands = Object.entries(COMMANDS).map(
    ([command, help]) => `complete -c ${program} -n __fish_use_subcommand -a ${command} -d ${quote(help)}`,
  )
  return `# fish completion for ${program}
complete -c ${program} -f
${flags.join('\n')}
${commands.join('\n')}
complete -c ${program} -n __fish_use_subcommand -a 'docker:// file://' -d destination
complete -c ${program} -n '__fish_seen_subcommand_from archive' -a '${ARCHIVE}'
complete -c ${program} -n '__fish_seen_subcommand_from ${ARCHIVE}' -F
complete -c ${program} -n '__fish_seen_subcommand_from completion' -a '${SHELLS.join(' ')}'
`
}

function fishValue({ type, choices, name }: Flag): string {
  if (choices !== undefined) return ` -x -a '${choicesOf(name, choices).join(' ')}'`
  switch (type) {
    case 'boolean':
      return ''
    case 'file':
      return ' -r -F'
    case 'directory':
      return " -x -a '(__fish_complete_directories)'"
    case 'url':
      return ' -x -a file://'
    case 'string':
    case 'integer':
    case 'duration':
      return ' -x'
  }
}

/** For single quotes of any of the three shells. */
function quote(text: string): string {
  return `'${text.replaceAll("'", '’')}'`
}
