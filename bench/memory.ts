/** Peak memory of the whole program while it copies 4 GiB, and 256 MiB to compare with. */
import { interleaved, startSource, startTarget } from './bench-context.ts'
import type { Bench, Row } from './bench-context.ts'
import { medianCost } from './measure.ts'

const GIB = 1024 ** 3
const SIZES = { '256 MiB': GIB / 4, '4 GiB': 4 * GIB } as const
const LAYERS = 8

export const memory: Bench = {
  name: 'memory',
  run: async (context) => {
    const rows: Row[] = []
    for (const [label, bytes] of Object.entries(SIZES)) {
      context.log(`memory while copying ${label}`)
      const layers = Array.from({ length: LAYERS }, (_, index) => ({ name: `${label}/${index}`, size: bytes / LAYERS }))
      await using source = await startSource(context, {
        name: `memory-${bytes}`,
        images: [{ repository: 'bench/memory', tag: 'v1', layers }],
        transport: 'TLS',
      })
      const costs = await interleaved({ ...context, runs: 1 }, ['airlift'], async (tool) => {
        await using target = await startTarget(context, source)
        return await target.copy(tool)
      })
      rows.push({
        what: `${label}, ${LAYERS} layers, TLS`,
        tool: 'airlift',
        cost: medianCost(costs.get('airlift') ?? []),
        note: 'one run',
      })
    }
    return rows
  },
}
