/**
 * Rules of image set configurations that no type can hold: names that come twice, ranges, patterns, target names. Pure.
 *
 * The messages are those of `oc-mirror` v2, which scripts and people search for.
 */
import { isAirliftError, messageOf } from '../base/errors.ts'
import { parseImageName } from '../oci/image-name.ts'
import { isRepository, isTag } from '../oci/reference.ts'
import { compileGoRegexp } from './go-regexp.ts'
import type {
  AdditionalImage,
  BlockedImage,
  ImageSet,
  MirrorSet,
  OperatorSelection,
  PackageSelection,
  ReleaseSelection,
} from './image-set-config.ts'
import { isLooseVersion } from './loose-version.ts'

/** Takes a problem; the path starts below `mirror` or `delete`. */
type Report = (path: readonly (string | number)[], message: string, hint?: string) => void

const TARGET_PATH = `should not contain a tag or digest. Expected format is 1 or more path components separated by /, where each path component is a set of alpha-numeric and regexp (?:[._]|__|[-]*). For more, see https://github.com/containers/image/blob/main/docker/reference/regexp.go`

export function checkImageSet(set: ImageSet | MirrorSet, report: Report): void {
  if (set.platform !== undefined) checkPlatform(set.platform, report)
  const catalogs = new Set<string>()
  for (const [index, operator] of set.operators.entries()) {
    const name = targetName(operator)
    if (catalogs.has(name)) {
      report(['operators', index, 'catalog'], `catalog ${JSON.stringify(name)}: duplicate found in configuration`)
    }
    catalogs.add(name)
    checkOperator(operator, (path, ...rest) => report(['operators', index, ...path], ...rest))
  }
  for (const [index, image] of set.additionalImages.entries()) {
    checkAdditionalImage(image, (path, ...rest) => report(['additionalImages', index, ...path], ...rest))
  }
  if (!('blockedImages' in set)) return
  for (const [index, entry] of set.blockedImages.entries()) {
    checkBlockedImage(entry, (path, ...rest) => report(['blockedImages', index, ...path], ...rest))
  }
}

function checkBlockedImage(entry: BlockedImage, report: Report): void {
  try {
    if ('name' in entry) compileGoRegexp(entry.name)
    else parseImageName(entry.baseImage)
  } catch (error) {
    if (!isAirliftError(error)) throw error
    if ('name' in entry) {
      return report(
        ['name'],
        `blocked image ${JSON.stringify(entry.name)}: invalid regular expression: ${messageOf(error)}`,
      )
    }
    report(['baseImage'], messageOf(error), error.hint)
  }
}

function checkPlatform(platform: ReleaseSelection, report: Report): void {
  if (platform.platforms.length > 0 && platform.architectures.length > 0) {
    report(
      ['platform', 'platforms'],
      'platform.platforms and platform.architectures cannot be used together',
      'use platform.platforms for sparse manifest filtering (requires disabling manifest list blob checks on container registry side), or platform.architectures (deprecated) for OCP multi payload or single arch payloads',
    )
  }
  const names = new Set<string>()
  for (const [index, { name }] of platform.channels.entries()) {
    if (names.has(name)) {
      report(
        ['platform', 'channels', index, 'name'],
        `release channel ${JSON.stringify(name)}: duplicate found in configuration`,
      )
    }
    names.add(name)
  }
}

/** What the catalog will be called at the target: two of one name would overwrite each other. */
function targetName({ catalog, targetCatalog, targetTag }: OperatorSelection): string {
  if (targetCatalog === undefined && targetTag === undefined) return catalog
  const [named = '', digest] = catalog.replace(/^[a-z]+:\/\//, '').split('@', 2)
  const colon = named.indexOf(':', named.lastIndexOf('/'))
  const repository = targetCatalog ?? (colon < 0 ? named : named.slice(0, colon))
  const tag = targetTag ?? (colon < 0 ? undefined : named.slice(colon + 1))
  if (tag !== undefined) return `${repository}:${tag}`
  return digest === undefined ? repository : `${repository}@${digest}`
}

function checkOperator(operator: OperatorSelection, report: Report): void {
  const { catalog, targetCatalog, targetTag, packages = [] } = operator
  if (targetCatalog !== undefined) checkTargetPath(targetCatalog, (...rest) => report(['targetCatalog'], ...rest))
  if (targetTag !== undefined) checkTargetTag(targetTag, (...rest) => report(['targetTag'], ...rest))
  const names = new Set<string>()
  for (const [index, entry] of packages.entries()) {
    const path = ['packages', index]
    if (names.has(entry.name)) {
      const message = `catalog ${JSON.stringify(catalog)}: duplicate package entry ${JSON.stringify(entry.name)}`
      report([...path, 'name'], message, 'merge the two entries into one')
    }
    names.add(entry.name)
    const prefix = `catalog ${JSON.stringify(catalog)}: operator ${JSON.stringify(entry.name)}: `
    checkPackage(entry, (below, message, hint) => report([...path, ...below], `${prefix}${message}`, hint))
  }
}

function checkPackage(entry: PackageSelection, report: Report): void {
  checkRange(entry, report)
  const names = new Set<string>()
  for (const [index, channel] of entry.channels.entries()) {
    const path = ['channels', index]
    const name = JSON.stringify(channel.name)
    if (names.has(channel.name)) report([...path, 'name'], `duplicate channel entry ${name}`)
    names.add(channel.name)
    checkRange(channel, (below, message) => report([...path, ...below], `channel ${name}: ${message}`))
  }
  if (hasRange(entry) && entry.channels.some(hasRange)) {
    report(
      [entry.minVersion === undefined ? 'maxVersion' : 'minVersion'],
      'mixing both filtering by minVersion/maxVersion and filtering by channel minVersion/maxVersion is not allowed',
      'keep the versions of the package, or those of its channels',
    )
  }
}

interface Range {
  readonly minVersion?: string | undefined
  readonly maxVersion?: string | undefined
}

function hasRange({ minVersion, maxVersion }: Range): boolean {
  return minVersion !== undefined || maxVersion !== undefined
}

function checkRange(range: Range, report: Report): void {
  for (const key of ['minVersion', 'maxVersion'] as const) {
    const version = range[key]
    if (version === undefined || isLooseVersion(version)) continue
    report([key], `${key} ${JSON.stringify(version)} must respect semantic versioning notation`)
  }
}

function checkAdditionalImage({ targetRepo, targetTag }: AdditionalImage, report: Report): void {
  if (targetRepo !== undefined) checkTargetPath(targetRepo, (...rest) => report(['targetRepo'], ...rest))
  if (targetTag !== undefined) checkTargetTag(targetTag, (...rest) => report(['targetTag'], ...rest))
}

function checkTargetPath(path: string, report: (message: string) => void): void {
  if (!isRepository(path)) report(`invalid target path component ${JSON.stringify(path)}: ${TARGET_PATH}`)
}

function checkTargetTag(tag: string, report: (message: string, hint: string) => void): void {
  if (!isTag(tag)) report(`invalid target tag ${JSON.stringify(tag)}`, 'use at most 128 of [A-Za-z0-9_.-]')
}
