/** What a verification found: each damage with the images that it costs, and the sum of it. Pure. */
import type { DamagedEntry, VerifyResult } from '../../archive/verify-archive.ts'
import { formatBytes, formatDuration, plural } from '../../base/units.ts'
import type { Style } from './style.ts'
import { safeLine, shortName } from './text.ts'

const SHOWN_IMAGES = 5

/** Volumes that are missing are no damage of those that are here. */
export function hasDamage({ damaged, problems }: VerifyResult): boolean {
  return damaged.length > 0 || problems.some(({ kind }) => kind !== 'missing')
}

export function renderDamaged({ volume, name, digest, fault, images }: DamagedEntry, style: Style): string {
  const shown = images.slice(0, SHOWN_IMAGES).join(', ')
  const more = images.length > SHOWN_IMAGES ? ` and ${images.length - SHOWN_IMAGES} more` : ''
  const cost = images.length === 0 ? '' : `: costs ${shown}${more}`
  return `${style.bad('damaged')} ${safeLine(`${volume}: ${digest ?? name}${FAULTS[fault]}${cost}`)}`
}

const FAULTS: Readonly<Record<DamagedEntry['fault'], string>> = { content: '', header: ' (header)', cut: ' (cut off)' }

export function renderVerified(
  result: VerifyResult,
  { style, durationMs }: { readonly style: Style; readonly durationMs: number },
): string {
  const { volumes, problems, damaged, images, damagedImages, bytes } = result
  const rate = formatBytes(Math.round((bytes * 1000) / Math.max(durationMs, 1)))
  const read = `${plural(volumes.length, 'volume')}, ${formatBytes(bytes)} read in ${formatDuration(durationMs)} (${rate}/s)`
  const missing = problems.filter(({ kind }) => kind === 'missing')
  const broken = problems.filter(({ kind }) => kind !== 'missing')
  return [
    ...volumes.map(
      ({ path, size, isWhole }) =>
        `${isWhole ? style.good('whole') : style.bad('damaged')} ${safeLine(path)} ${formatBytes(size)}`,
    ),
    ...broken.map(({ message }) => `${style.bad('problem')} ${safeLine(message)}`),
    ...missing.map(({ message }) => `${style.warn('note')} ${safeLine(message)}`),
    '',
    read,
    hasDamage(result)
      ? `${plural(damaged.length, 'damaged entry').replace(/entrys$/, 'entries')}, ${damagedImages.length} of ${plural(images, 'image')} affected`
      : `${plural(images, 'image')}, nothing damaged`,
    ...damagedImages.map((id) => `  ${shortName(id)}`),
    ...(hasDamage(result) ? ['copy the damaged volumes again from where they were written'] : []),
    '',
  ].join('\n')
}
