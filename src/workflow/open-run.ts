/**
 * What every run stands on: its workspace, log, configuration and clients.
 */
import { openArchive } from '../archive/open-archive.ts'
import type { Archive } from '../archive/reading-types.ts'
import type { LoadedImageSetConfig } from '../config/parse-image-set-config.ts'
import { loadImageSetConfig } from '../config/load-image-set-config.ts'
import type { TargetBase } from '../plan/target.ts'
import type { EventSink } from '../transfer/events.ts'
import { archivedSet } from './archived-set.ts'
import { openClients } from './clients.ts'
import type { Clients } from './clients.ts'
import type { MirrorOptions, RunContext } from './mirror-options.ts'
import { outputWorkingDir } from './output-directory.ts'
import { openRunLog } from './run-log.ts'
import { wantedImages } from './wanted-images.ts'
import type { WantedSet } from './wanted-images.ts'
import { rfc3339, workingDir } from './working-dir.ts'
import type { WorkingDir } from './working-dir.ts'

export interface Run extends AsyncDisposable {
  readonly options: MirrorOptions
  readonly signal: AbortSignal
  readonly context: RunContext
  /** RFC 3339 in UTC, to the second. */
  readonly createdAt: string
  readonly directory: WorkingDir
  readonly config: LoadedImageSetConfig['config']
  readonly base: TargetBase
  readonly set: WantedSet
  /** What is mirrored, where that is an archive. */
  readonly archive: Archive | undefined
  readonly clients: Clients
  /** To whoever watches, and to the log. */
  readonly onEvent: EventSink
}

/** What a configuration asks for, towards the destination of the run. */
interface ImageSetRequest {
  readonly config: LoadedImageSetConfig['config']
  readonly warnings: LoadedImageSetConfig['warnings']
  readonly base: TargetBase
  readonly set: WantedSet
}

/** @throws {AirliftError} for a configuration with which no run can start. */
async function readImageSet(options: MirrorOptions, { signal }: Pick<RunContext, 'signal'>): Promise<ImageSetRequest> {
  const { config, warnings } = await loadImageSetConfig(options.configFile, { signal })
  const base = targetBase(options)
  return { config, warnings, base, set: wantedImages(config, base) }
}

/** Nothing is written before the configuration has been read whole, and the archive that is mirrored has been looked at. */
export async function openRun(given: MirrorOptions, context: RunContext): Promise<Run> {
  const { config, warnings, base, set: wanted } = await readImageSet(given, context)
  await using stack = new AsyncDisposableStack()
  const { signal } = context
  const isArchived = given.from.length > 0
  const archive = isArchived ? stack.use(await openArchive(given.from, { signal, partial: given.partial })) : undefined
  const set = archive === undefined ? wanted : await archivedSet(wanted, archive, { signal })
  const options = isArchived ? { ...given, workingDir: await outputWorkingDir(given.outputs) } : given
  const started = context.now()
  const directory = workingDir(options.workingDir, started)
  const log = stack.use(openRunLog(directory.log(), options.logLevel, context.now))
  const onEvent: EventSink = (event) => {
    log.onEvent(event)
    context.onEvent(event)
  }
  for (const message of warnings) onEvent({ type: 'warning', message })
  for (const { message } of archive?.problems ?? []) onEvent({ type: 'warning', message })
  const clients = stack.use(await openClients(options, { ...context, onEvent }, { archive, base }))
  const owned = stack.move()
  return {
    options,
    signal,
    context,
    createdAt: rfc3339(started),
    directory,
    config,
    base,
    set,
    archive,
    clients,
    onEvent,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** Towards a disk, names are those of the original's cache; `--max-nested-paths` is for the mirror then. */
function targetBase({ destination, maxNestedPaths, port }: MirrorOptions): TargetBase {
  return destination.kind === 'registry'
    ? { registry: destination.registry, namespace: destination.namespace, maxNestedPaths }
    : { registry: `localhost:${port}`, namespace: '', maxNestedPaths: 0 }
}
