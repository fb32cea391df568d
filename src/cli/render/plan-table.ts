/** A plan as a table: what would be copied from where to where, and how many bytes of what kind. Pure. */
import { formatBytes, plural } from '../../base/units.ts'
import type { ByteCounts, Plan, PlannedImage } from '../../plan/plan-types.ts'
import type { Style } from './style.ts'
import { safeLine, safeText, shortName, tableLines } from './text.ts'
import type { Column } from './text.ts'

const FIGURES: readonly (keyof ByteCounts)[] = ['total', 'unique', 'shared', 'present', 'reused', 'mounted', 'toFetch']

const COLUMNS: readonly Column[] = [
  { title: 'IMAGE', align: 'left' },
  { title: 'TARGET', align: 'left' },
  { title: 'INSTANCES', align: 'right' },
  { title: 'TOTAL', align: 'right' },
  { title: 'UNIQUE', align: 'right' },
  { title: 'SHARED', align: 'right' },
  { title: 'PRESENT', align: 'right' },
  { title: 'REUSED', align: 'right' },
  { title: 'MOUNT', align: 'right' },
  { title: 'FETCH', align: 'right' },
]

export interface PlanTableOptions {
  readonly style: Style
  /** Columns of the terminal; unbounded where output is none. */
  readonly width: number
}

export function renderPlan(plan: Plan, { style, width }: PlanTableOptions): string {
  const table = imageTable(plan)
  const isWide = table.every((line) => line.length <= width)
  const [title = '', ...rows] = isWide ? table : stackedTable(plan)
  return [style.bold(title), ...rows, '', ...refusals(plan, style), totalsText(plan), ''].join('\n')
}

function imageTable({ images, totals }: Plan): string[] {
  const rows = images.map((image) => [shortName(image.wanted.origin), shortName(image.id), ...figures(image)])
  return tableLines(COLUMNS, [...rows, ['total, each blob once', '', '', ...byteCells(totals.bytes)]])
}

/** For narrow terminals: names on lines of their own. */
function stackedTable({ images, totals }: Plan): string[] {
  const rows = [...images.map(figures), ['total', ...byteCells(totals.bytes)]]
  const [title = '', ...lines] = tableLines(
    COLUMNS.slice(2).map(({ title }) => ({ title: title === 'INSTANCES' ? 'INST' : title, align: 'right' })),
    rows,
  )
  const named = images.flatMap((image, index) => [
    shortName(image.wanted.origin),
    `  ${shortName(image.id)}`,
    lines[index] ?? '',
  ])
  return [title, ...named, lines.at(-1) ?? '']
}

function figures(image: PlannedImage): string[] {
  return [String(instanceCount(image)), ...byteCells(image.bytes)]
}

function byteCells(bytes: ByteCounts): string[] {
  return FIGURES.map((figure) => (bytes[figure] === 0 ? '-' : formatBytes(bytes[figure])))
}

/** Manifests of an index that are copied with it; 1 where the root is no index. */
function instanceCount({ manifests, root }: PlannedImage): number {
  const index = manifests.find(({ descriptor }) => descriptor.digest === root.digest)
  const copied = new Set(manifests.map(({ descriptor }) => descriptor.digest))
  return Math.max(index?.manifests.filter((digest) => copied.has(digest)).length ?? 0, 1)
}

function refusals({ blocked, unresolved }: Plan, style: Style): string[] {
  const lines = [
    ...blocked.map(({ image, by }) => `${style.warn('blocked')} ${safeLine(image.origin)} by ${safeLine(by)}`),
    ...unresolved.flatMap(({ origin, error }) => [
      `${style.bad('unresolved')} ${safeLine(origin)}`,
      `  [${error.code}]: ${safeText(error.message)}`,
      ...(error.hint === undefined ? [] : [`  hint: ${safeText(error.hint)}`]),
    ]),
  ]
  return lines.length === 0 ? [] : [...lines, '']
}

function totalsText({ totals, blocked, unresolved }: Plan): string {
  return [
    `${plural(totals.images, 'image')} (${totals.present} there already)`,
    plural(totals.manifests, 'manifest'),
    plural(totals.blobs, 'blob'),
    `${formatBytes(totals.bytes.toFetch)} to fetch`,
    `${blocked.length} blocked`,
    `${unresolved.length} unresolved`,
  ].join(', ')
}
