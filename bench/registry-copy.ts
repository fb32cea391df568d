/** One image of 1 GiB in four layers, from registry to registry, beside `regctl` and `skopeo`. */
import { interleaved, startSource, startTarget } from './bench-context.ts'
import type { Bench, BenchContext, Row, Transport } from './bench-context.ts'
import type { ImageSpec } from './content.ts'
import { medianCost } from './measure.ts'
import type { Tool } from './tools.ts'

const LAYER_BYTES = 256 * 1024 * 1024
const IMAGE: ImageSpec = {
  repository: 'bench/large',
  tag: 'v1',
  layers: [1, 2, 3, 4].map((index) => ({ name: `large/${index}`, size: LAYER_BYTES })),
}
const TOOLS: readonly Tool[] = ['airlift', 'regctl', 'skopeo']

export const registryCopy: Bench = {
  name: 'registry-copy',
  run: async (context) => [...(await copyOver(context, 'plain')), ...(await copyOver(context, 'TLS'))],
}

async function copyOver(context: BenchContext, transport: Transport): Promise<Row[]> {
  context.log(`registry to registry, 1 GiB, ${transport}`)
  await using source = await startSource(context, { name: 'large', images: [IMAGE], transport })
  const costs = await interleaved(context, TOOLS, async (tool) => {
    await using target = await startTarget(context, source)
    return await target.copy(tool)
  })
  return [...costs].map(([tool, all]) => ({ what: `1 GiB, 4 layers, ${transport}`, tool, cost: medianCost(all) }))
}
