/** Archives as tables: volumes, images, and what lacks. Pure. */
import type { ListedImage, VolumeProblem, VolumeSet } from '../../archive/reading-types.ts'
import { formatBytes, plural } from '../../base/units.ts'
import { formatPlatform } from '../../oci/platform.ts'
import type { Style } from './style.ts'
import { safeLine, shortName, tableLines } from './text.ts'

export interface ArchiveListing {
  readonly archives: readonly VolumeSet[]
  readonly images: readonly ArchiveListedImage[]
  readonly problems: readonly VolumeProblem[]
}

interface ArchiveListedImage extends Omit<ListedImage, 'content'> {
  /** Manifests and blobs that it needs. */
  readonly contents: number
  /** Of them, those that other archives hold. */
  readonly elsewhere: number
  /** Bytes of those that are here; what images share counts for each. */
  readonly size: number
}

const SHOWN_PLATFORMS = 3

export function renderArchiveList({ archives, images, problems }: ArchiveListing, style: Style): string {
  const volumes = archives.flatMap((set) =>
    set.volumes.map(({ path, size }) => [safeLine(path), formatBytes(size), identityOf(set), set.createdAt ?? '-']),
  )
  const [volumeTitle = '', ...volumeRows] = tableLines(VOLUME_COLUMNS, volumes)
  const [imageTitle = '', ...imageRows] = tableLines(IMAGE_COLUMNS, images.map(imageRow))
  const bytes = archives.flatMap((set) => set.volumes).reduce((sum, { size }) => sum + size, 0)
  return [
    style.bold(volumeTitle),
    ...volumeRows,
    '',
    style.bold(imageTitle),
    ...imageRows,
    '',
    `${plural(images.length, 'image')} in ${plural(volumes.length, 'volume')}, ${formatBytes(bytes)}`,
    ...problems.map(({ message }) => `${style.bad('problem')} ${safeLine(message)}`),
    '',
  ].join('\n')
}

const VOLUME_COLUMNS = [
  { title: 'VOLUME', align: 'left' },
  { title: 'SIZE', align: 'right' },
  { title: 'ARCHIVE', align: 'left' },
  { title: 'CREATED', align: 'left' },
] as const

const IMAGE_COLUMNS = [
  { title: 'IMAGE', align: 'left' },
  { title: 'KIND', align: 'left' },
  { title: 'PLATFORMS', align: 'left' },
  { title: 'SIZE', align: 'right' },
  { title: 'STATE', align: 'left' },
] as const

function imageRow(image: ArchiveListedImage): string[] {
  return [
    shortName(image.id),
    safeLine(image.kind ?? '-'),
    safeLine(platformsOf(image)),
    image.size === 0 ? '-' : formatBytes(image.size),
    stateOf(image),
  ]
}

function platformsOf({ platforms = [] }: ArchiveListedImage): string {
  const names = platforms.map(formatPlatform)
  if (names.length === 0) return '-'
  const more = names.length - SHOWN_PLATFORMS
  return `${names.slice(0, SHOWN_PLATFORMS).join(',')}${more > 0 ? `,+${more}` : ''}`
}

function stateOf({ state, elsewhere, contents }: ArchiveListedImage): string {
  if (state === 'void') return 'failed'
  if (elsewhere === 0) return 'whole'
  return elsewhere === contents ? 'in another archive' : `${elsewhere} of ${contents} contents in another archive`
}

function identityOf({ archive }: VolumeSet): string {
  if (archive === undefined) return 'oc-mirror'
  const { id, sequence, continues } = archive
  return `${sequence} ${shortName(id)}${continues === undefined ? '' : ` after ${continues.sequence}`}`
}
