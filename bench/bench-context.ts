/** What the benchmarks share: registries that come and go, and the order of runs. */
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { startDockerRegistry } from '../test/support/docker-registry.ts'
import type { DockerRegistry } from '../test/support/docker-registry.ts'
import { issueCertificate, makeCa } from '../test/support/tls.ts'
import type { IssuedCertificate } from '../test/support/tls.ts'
import { writeImages } from './content.ts'
import type { ImageSpec } from './content.ts'
import { measure } from './measure.ts'
import type { Cost } from './measure.ts'
import { quietMachine } from './quiet.ts'
import { copyCommand } from './tools.ts'
import type { Tool } from './tools.ts'

export type Transport = 'plain' | 'TLS'

export interface BenchContext {
  /** Directory for everything, removed at the end. */
  readonly directory: string
  readonly runs: number
  readonly log: (line: string) => void
}

export interface Row {
  readonly what: string
  readonly tool: string
  readonly cost: Cost
  readonly note?: string
}

export interface Bench {
  readonly name: string
  readonly run: (context: BenchContext) => Promise<readonly Row[]>
}

interface Certificates {
  readonly ca: string
  readonly issued: IssuedCertificate
}

export interface Source extends AsyncDisposable {
  readonly registry: DockerRegistry
  readonly certificates: Certificates | undefined
  readonly images: readonly ImageSpec[]
}

/** Generates the images, once, and serves them. */
export async function startSource(
  context: BenchContext,
  options: { readonly name: string; readonly images: readonly ImageSpec[]; readonly transport: Transport },
): Promise<Source> {
  const directory = join(context.directory, options.name)
  const isNew = (await mkdir(directory, { recursive: true })) !== undefined
  if (isNew) {
    context.log(`generating ${options.name}`)
    await writeImages(directory, options.images)
  }
  const certificates = options.transport === 'TLS' ? await makeCertificates() : undefined
  const registry = await startDockerRegistry({ directory, ...(certificates && { tls: certificates.issued }) })
  return {
    registry,
    certificates,
    images: options.images,
    [Symbol.asyncDispose]: () => registry[Symbol.asyncDispose](),
  }
}

async function makeCertificates(): Promise<Certificates> {
  const ca = await makeCa('Bench CA')
  return { ca: ca.cert, issued: await issueCertificate(ca) }
}

export interface Target extends AsyncDisposable {
  readonly registry: DockerRegistry
  /** Copies all images of the source here. */
  readonly copy: (tool: Tool) => Promise<Cost>
}

/** An empty registry of its own. */
export async function startTarget(context: BenchContext, source: Source): Promise<Target> {
  const directory = join(context.directory, 'target')
  await rm(directory, { recursive: true, force: true })
  await mkdir(join(directory, 'data'), { recursive: true })
  const { certificates, images } = source
  const registry = await startDockerRegistry({
    directory: join(directory, 'data'),
    ...(certificates && { tls: certificates.issued }),
  })
  let copies = 0
  return {
    registry,
    copy: async (tool) => {
      copies += 1
      const command = await copyCommand(tool, {
        images,
        source: source.registry.host,
        target: registry.host,
        home: join(directory, `home-${copies}`),
        ...(certificates && { ca: certificates.ca }),
      })
      return measure(command)
    },
    [Symbol.asyncDispose]: async () => {
      await registry[Symbol.asyncDispose]()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** Runs every tool once in each round, so that what else the machine does meets all alike. */
export async function interleaved<T extends string>(
  context: BenchContext,
  tools: readonly T[],
  run: (tool: T) => Promise<Cost>,
): Promise<Map<T, Cost[]>> {
  const costs = new Map(tools.map((tool): [T, Cost[]] => [tool, []]))
  for (let round = 1; round <= context.runs; round += 1) {
    for (const tool of tools) {
      if (!(await quietMachine())) context.log('  the machine is busy with other work')
      const cost = await run(tool)
      costs.get(tool)?.push(cost)
      context.log(
        `  round ${round} ${tool}: ${cost.wallS.toFixed(2)} s, ${cost.cpuS.toFixed(2)} CPU-s, ${cost.peakMiB} MiB`,
      )
    }
  }
  return costs
}
