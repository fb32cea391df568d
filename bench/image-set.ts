/**
 * 200 images on three shared bases, 1.2 GiB in all: into an empty registry, and
 * again when all is there. Beside `regctl image copy` in a loop over the same list.
 */
import { interleaved, startSource, startTarget } from './bench-context.ts'
import type { Bench, BenchContext, Row } from './bench-context.ts'
import type { ImageSpec } from './content.ts'
import { medianCost } from './measure.ts'
import type { Cost } from './measure.ts'
import type { Tool } from './tools.ts'

const MIB = 1024 * 1024
const IMAGES = 200
const BASES = [100, 80, 60].map((size, base) =>
  [0.6, 0.3, 0.1].map((share, index) => ({ name: `base/${base}/${index}`, size: Math.round(size * MIB * share) })),
)
const TOOLS: readonly Tool[] = ['airlift', 'regctl']

/** @param repositories over which the images are spread: one, as release payloads are, or one for each, as operators are. */
function imageSet(repositories: number): ImageSpec[] {
  return Array.from({ length: IMAGES }, (_, index) => ({
    repository: `bench/set-${index % repositories}`,
    tag: `v${index}`,
    layers: [
      ...(BASES[index % BASES.length] ?? []),
      { name: `own/${index}/0`, size: Math.round(3.5 * MIB) },
      { name: `own/${index}/1`, size: Math.round(1.4 * MIB) },
    ],
  }))
}

export const imageSetBench: Bench = {
  name: 'image-set',
  run: async (context) => [...(await copySet(context, 1)), ...(await copySet(context, IMAGES))],
}

async function copySet(context: BenchContext, repositories: number): Promise<Row[]> {
  const where = repositories === 1 ? 'in one repository' : `in ${repositories} repositories`
  context.log(`200 images ${where}`)
  await using source = await startSource(context, {
    name: `set-${repositories}`,
    images: imageSet(repositories),
    transport: 'plain',
  })
  const again = new Map(TOOLS.map((tool): [Tool, Cost[]] => [tool, []]))
  const notes = new Map<Tool, string>()
  const first = await interleaved(context, TOOLS, async (tool) => {
    await using target = await startTarget(context, source)
    const cost = await target.copy(tool)
    const logs = [source.registry.log, target.registry.log]
    const before = logs.map((log) => log.length)
    again.get(tool)?.push(await target.copy(tool))
    notes.set(tool, describeRequests(logs.flatMap((log, at) => log.slice(before[at]))))
    return cost
  })
  return TOOLS.flatMap((tool): Row[] => [
    { what: `200 images ${where}, empty target`, tool, cost: medianCost(first.get(tool) ?? []) },
    {
      what: `200 images ${where}, all there`,
      tool,
      cost: medianCost(again.get(tool) ?? []),
      note: notes.get(tool) ?? '',
    },
  ])
}

const REQUEST = /"(?<request>(?:GET|HEAD|POST|PUT|PATCH|DELETE) [^ "]+) HTTP/
const ATTACHMENT = /\/referrers\/|\/manifests\/sha256-/

/** Requests of both registries, from their access logs. */
function describeRequests(log: readonly string[]): string {
  const requests = log.flatMap((line) => REQUEST.exec(line)?.groups?.['request'] ?? [])
  const attachments = requests.filter((request) => ATTACHMENT.test(request)).length
  const others = requests.length - attachments
  return `for each manifest ${(others / IMAGES).toFixed(2)} requests, ${(attachments / IMAGES).toFixed(2)} attachment look-ups`
}
