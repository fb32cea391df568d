/**
 * Text that comes from peers, made safe to print, and columns. Pure.
 *
 * A registry can put anything into a message: escape sequences that rewrite the
 * screen, line breaks that look like our own lines, marks that turn the direction
 * of writing.
 */
const CONTROL = /[\p{Cc}\p{Cf}\u2028\u2029]/gu

/** One line: whatever could move the cursor becomes `�`. */
export function safeLine(text: string): string {
  return text.replace(CONTROL, '\uFFFD')
}

/** Several lines, those after the first indented, so that none can pass for a line of ours. */
export function safeText(text: string, indent = '  '): string {
  return text.split(/\r?\n/).map(safeLine).join(`\n${indent}`)
}

/** At most `width` columns; the middle goes, since names differ at their ends. Printable ASCII only. */
export function fit(text: string, width: number): string {
  const plain = text.replace(/[^\x20-\x7e]/g, '?')
  if (plain.length <= width) return plain
  if (width < 8) return plain.slice(0, Math.max(width, 0))
  const head = Math.floor((width - 2) / 3)
  return `${plain.slice(0, head)}..${plain.slice(plain.length - (width - 2 - head))}`
}

/** A name for a table: digests cut to what tells them apart; `plan.json` and `mapping.txt` have them whole. */
export function shortName(text: string): string {
  return safeLine(text).replace(/(?<algorithm>sha(?:256|512)[:-][0-9a-f]{12})[0-9a-f]{52,}/g, '$<algorithm>')
}

export interface Column {
  readonly title: string
  readonly align: 'left' | 'right'
}

/** Lines of a table, the title line first, columns two spaces apart. */
export function tableLines(columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  const lines = [columns.map(({ title }) => title), ...rows]
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => (line[index] ?? '').length)))
  return lines.map((line) =>
    columns
      .map(({ align }, index) => {
        const [cell, width] = [line[index] ?? '', widths[index] ?? 0]
        return align === 'right' ? cell.padStart(width) : cell.padEnd(width)
      })
      .join('  ')
      .trimEnd(),
  )
}
