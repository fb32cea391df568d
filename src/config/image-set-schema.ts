/**
 * The schema of image set configurations: types, defaults and descriptions of every key, in one place.
 *
 * The parser walks it, `tools/schema.ts` turns it into the JSON schema for editors. Rules that span several keys are in
 * `check-image-set.ts`.
 */
import * as z from 'zod'
import type { Platform } from '../oci/platform.ts'
import type {
  AdditionalImage,
  BlockedImage,
  ChartRepository,
  ChartSelection,
  DeleteImageSetConfig,
  HelmSelection,
  ImageSet,
  ImageSetConfig,
  LocalChart,
  MirrorSet,
  OperatorChannelSelection,
  OperatorSelection,
  PackageSelection,
  ReleaseSelection,
  UpdateChannelSelection,
} from './image-set-config.ts'

export const API_VERSION = 'mirror.openshift.io/v2alpha1'

function text(description: string): z.ZodString {
  return z.string().min(1).describe(description)
}
function flag(description: string): z.ZodDefault<z.ZodBoolean> {
  return z.boolean().default(false).describe(description)
}
function list<Item extends z.ZodType>(item: Item, description: string): z.ZodDefault<z.ZodArray<Item>> {
  return z.array(item).default([]).describe(description)
}

const platform: z.ZodType<Platform> = z.strictObject({
  os: text('Operating system, such as linux.'),
  architecture: text('Architecture, such as amd64.'),
})

const updateChannel: z.ZodType<UpdateChannelSelection> = z.strictObject({
  name: text('Update channel, such as stable-4.18.'),
  type: z.enum(['ocp', 'okd']).default('ocp').describe('Distribution that the channel belongs to.'),
  minVersion: text('Lowest version to mirror.').optional(),
  maxVersion: text('Highest version to mirror.').optional(),
  shortestPath: flag('Only the versions on the shortest update path from minVersion to maxVersion.'),
  full: flag('From the first version of the channel to the last.'),
})

const release: z.ZodType<ReleaseSelection> = z.strictObject({
  graph: flag('Build and mirror the update graph image, for the OpenShift Update Service.'),
  release: text('One exact release payload, by tag or digest, instead of channels.').optional(),
  kubeVirtContainer: flag('Mirror the container disks of RHCOS for KubeVirt too.'),
  architectures: list(
    z.enum(['amd64', 'arm64', 'ppc64le', 's390x', 'multi']),
    'Deprecated: architectures of the release payloads; amd64 where left out.',
  ),
  platforms: list(platform, 'Instances of the multi payload to copy. Not together with architectures.'),
  channels: list(updateChannel, 'Update channels, and the versions of them to mirror.'),
})

const operatorChannel: z.ZodType<OperatorChannelSelection> = z.strictObject({
  name: text('Channel of the package.'),
  minVersion: text('Lowest version to mirror.').optional(),
  maxVersion: text('Highest version to mirror.').optional(),
})

const operatorPackage: z.ZodType<PackageSelection> = z.strictObject({
  name: text('Package in the catalog.'),
  defaultChannel: text('Default channel in the filtered catalog, where the original one is left out.').optional(),
  minVersion: text('Lowest version to mirror, in every channel. Not together with versions of channels.').optional(),
  maxVersion: text('Highest version to mirror, in every channel. Not together with versions of channels.').optional(),
  channels: list(operatorChannel, 'Channels to mirror; all where left out.'),
})

const operator: z.ZodType<OperatorSelection> = z.strictObject({
  catalog: text('Catalog image, by tag or digest, or a layout on disk: oci:///path.'),
  targetCatalog: text('Repository for the catalog in the mirror, such as my-namespace/my-catalog.').optional(),
  targetTag: text('Tag for the catalog in the mirror.').optional(),
  targetCatalogSourceTemplate: text('Path of a CatalogSource to start the generated one from.').optional(),
  full: flag('Every bundle of every channel, instead of channel heads.'),
  skipDependencies: flag('Accepted and ignored: dependencies are never resolved.'),
  platforms: list(platform, 'Instances of the catalog and its images to copy; all where left out.'),
  packages: z.array(operatorPackage).optional().describe('Packages to mirror; all where left out.'),
})

const additionalImage: z.ZodType<AdditionalImage> = z.strictObject({
  name: text('Image with registry and tag or digest, or a layout on disk: oci:///path.'),
  targetRepo: text('Repository for the image in the mirror.').optional(),
  targetTag: text('Tag for the image in the mirror.').optional(),
  platforms: list(platform, 'Instances to copy where the image is an index; all where left out.'),
})

const imagePaths = list(z.string().min(1), 'JSONPath expressions that find images in rendered manifests.')

const chart: z.ZodType<ChartSelection> = z.strictObject({
  name: text('Chart in the repository.'),
  version: text('Version of the chart; the newest where left out.').optional(),
  imagePaths,
  platforms: list(platform, 'Instances of the images to copy; all where left out.'),
})

const chartRepository: z.ZodType<ChartRepository> = z.strictObject({
  name: text('Name for the repository.'),
  url: text('URL of the repository.'),
  charts: list(chart, 'Charts to mirror; all where left out.'),
})

const localChart: z.ZodType<LocalChart> = z.strictObject({
  name: text('Name for the chart.').optional(),
  path: text('Directory or archive of the chart.'),
  imagePaths,
  platforms: list(platform, 'Instances of the images to copy; all where left out.'),
})

const helm: z.ZodType<HelmSelection> = z.strictObject({
  repositories: list(chartRepository, 'Chart repositories.'),
  local: list(localChart, 'Charts on disk.'),
})

const blockedImage: z.ZodType<BlockedImage> = z.union(
  [
    text('Go regular expression over image names.').transform((name) => ({ name })),
    z.strictObject({ name: text('Go regular expression over image names.') }),
    z.strictObject({ baseImage: text('Image; those built on it, known by its layers, are left out.') }),
  ],
  { error: 'expected a pattern, or an object with either "name" or "baseImage"' },
)

const imageSet = {
  platform: release.optional().describe('OpenShift releases.'),
  operators: list(operator, 'Operator catalogs.'),
  additionalImages: list(additionalImage, 'Any other images.'),
  helm: helm.optional().describe('Helm charts and the images that they name.'),
}

const mirrorSet: z.ZodType<MirrorSet> = z.strictObject({
  ...imageSet,
  blockedImages: list(blockedImage, 'Images to leave out.'),
  samples: list(z.strictObject({ name: text('Name of the sample.') }), 'Accepted and ignored.'),
})

const deleteSet: z.ZodType<ImageSet> = z.strictObject(imageSet)

const apiVersion = z.string().optional().describe(`${API_VERSION}; other values are read as if it were that.`)

export const imageSetConfigSchema: z.ZodType<ImageSetConfig> = z
  .strictObject({
    apiVersion,
    kind: z.literal('ImageSetConfiguration'),
    archiveSize: z.int().nonnegative().optional().describe('Largest archive volume in GiB; 500 where left out.'),
    mirror: mirrorSet.describe('What to mirror.'),
  })
  .transform(({ archiveSize, mirror }) => ({ ...(archiveSize !== undefined && { archiveSize }), mirror }))

export const deleteConfigSchema: z.ZodType<DeleteImageSetConfig> = z
  .strictObject({
    apiVersion,
    kind: z.literal('DeleteImageSetConfiguration'),
    delete: deleteSet.describe('What to delete.'),
  })
  .transform((config) => ({ delete: config.delete }))
