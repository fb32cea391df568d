/** Colours and signs that a terminal can show; neither where output is a file, or `NO_COLOR` is set. */
import { styleText } from 'node:util'

type Paint = (text: string) => string

export interface Style {
  readonly bold: Paint
  readonly dim: Paint
  readonly good: Paint
  readonly bad: Paint
  readonly warn: Paint
  readonly bar: { readonly full: string; readonly empty: string }
  readonly arrow: string
}

export interface StyleOptions {
  readonly hasColor: boolean
  readonly hasUnicode: boolean
}

export function createStyle({ hasColor, hasUnicode }: StyleOptions): Style {
  const paint =
    (format: Parameters<typeof styleText>[0]): Paint =>
    (text) =>
      hasColor ? styleText(format, text, { validateStream: false }) : text
  return {
    bold: paint('bold'),
    dim: paint('dim'),
    good: paint('green'),
    bad: paint('red'),
    warn: paint('yellow'),
    bar: hasUnicode ? { full: '█', empty: '░' } : { full: '#', empty: '-' },
    arrow: hasUnicode ? '→' : '->',
  }
}

/** What a stream can show, by the environment's word for it. */
export function styleFor(isTerminal: boolean, env: Readonly<Record<string, string | undefined>>): Style {
  const locale = env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || ''
  return createStyle({
    hasColor: isTerminal && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb',
    hasUnicode: /utf-?8/i.test(locale),
  })
}
