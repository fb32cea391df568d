/**
 * Runs the benchmarks and prints their table, as `bench/README.md` has it.
 *
 * `npm run bench -- [name…] [--runs n]`. Needs docker-registry, skopeo, regctl and GNU time; takes half an hour and
 * 10 GiB of temporary space.
 */
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { tempDir } from '../test/support/temp-dir.ts'
import type { Bench, Row } from './bench-context.ts'
import { imageSetBench } from './image-set.ts'
import { memory } from './memory.ts'
import { registryCopy } from './registry-copy.ts'

const BENCHES: readonly Bench[] = [registryCopy, imageSetBench, memory]

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { runs: { type: 'string', default: '5' } },
})
const unknown = positionals.filter((name) => !BENCHES.some((bench) => bench.name === name))
if (unknown.length > 0)
  throw new Error(`no benchmark ${unknown.join(', ')}: choose of ${BENCHES.map(({ name }) => name).join(', ')}`)

const rows: Row[] = []
for (const bench of BENCHES) {
  if (positionals.length > 0 && !positionals.includes(bench.name)) continue
  await using dir = await tempDir()
  const log = (line: string): void => void process.stderr.write(`${line}\n`)
  rows.push(...(await bench.run({ directory: dir.path, runs: Number(values.runs), log })))
}
process.stdout.write(render(rows))

function render(table: readonly Row[]): string {
  const date = new Date().toISOString().slice(0, 10)
  const machine = `${cpus().length} cores (${cpus()[0]?.model ?? 'unknown'}), Node.js ${process.versions.node}`
  const lines = table.map(({ what, tool, cost, note = '' }) => {
    const reference = table.find((row) => row.what === what && row.tool === 'regctl')
    const ratio = reference === undefined ? '' : (cost.wallS / reference.cost.wallS).toFixed(2)
    return `| ${what} | ${tool} | ${cost.wallS.toFixed(2)} | ${ratio} | ${cost.cpuS.toFixed(2)} | ${cost.peakMiB} | ${note} |`
  })
  return [
    `${date}, ${machine}, medians of ${values.runs} interleaved runs`,
    '',
    '| what | tool | wall s | x regctl | client CPU-s | peak MiB | |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...lines,
    '',
  ].join('\n')
}
