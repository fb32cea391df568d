/** Writes the tables of flags into `docs/commands.md`; a test fails where they are stale. */
import { readFile, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ARCHIVE_COMMANDS } from '../src/cli/archive-commands.ts'
import type { Flag } from '../src/cli/flag.ts'
import { MIRROR_FLAGS } from '../src/cli/flags.ts'

const FILE = resolve(import.meta.dirname, '../docs/commands.md')

/** The document with its tables as they should be. */
export function withTables(document: string): string {
  const visible = MIRROR_FLAGS.filter(({ hidden }) => hidden !== true)
  const hidden = MIRROR_FLAGS.filter(({ hidden }) => hidden === true)
  const sections = { flags: table(visible), 'hidden-flags': table(hidden), archive: archiveTables() }
  return Object.entries(sections).reduce((text, [name, section]) => replaceSection(text, name, section), document)
}

function replaceSection(document: string, name: string, text: string): string {
  const [begin, end] = [`<!-- ${name}: node tools/commands-table.ts -->\n`, `<!-- end of ${name} -->`]
  const [before = '', rest = ''] = document.split(begin)
  const [, after] = rest.split(end)
  if (after === undefined) throw new Error(`docs/commands.md has no section ${name}`)
  return `${before}${begin}${text}${end}${after}`
}

function archiveTables(): string {
  return ARCHIVE_COMMANDS.map((command) => {
    const examples = command.examples.map(([comment, words]) => `# ${comment}\nairlift ${words}\n`).join('\n')
    const title = `### archive ${command.name}\n\n\`airlift archive ${command.name} ${command.arguments}\`: ${command.help}.\n\n`
    return `${title}${table(command.flags)}\n\`\`\`sh\n${examples}\`\`\`\n`
  }).join('\n')
}

function table(flags: readonly Flag[]): string {
  const rows = flags.map((flag) => `| ${[spelling(flag), initial(flag), flag.effect, remark(flag)].join(' | ')} |\n`)
  return `| flag | default | compared | what it does |\n| --- | --- | --- | --- |\n${rows.join('')}`
}

function spelling({ name, short, type, value }: Flag): string {
  const long = `--${name}${type === 'boolean' ? '' : ` <${value ?? type}>`}`
  return short === undefined ? `\`${long}\`` : `\`-${short}\`, \`${long}\``
}

function initial({ initial, initialFrom, type }: Flag): string {
  if (initialFrom !== undefined) return initialFrom
  if (initial !== undefined) return `\`${initial}\``
  return type === 'boolean' ? '`false`' : ''
}

function remark({ help, note }: Flag): string {
  const sentence = (text: string): string =>
    `${text.slice(0, 1).toUpperCase()}${text.slice(1)}${/[.]$/.test(text) ? '' : '.'}`
  return note === undefined ? sentence(help) : `${sentence(help)} ${sentence(note)}`
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await writeFile(FILE, withTables(await readFile(FILE, 'utf8')))
}
