/** What the process gives the commands; only `main.ts` makes one. */
import type { MirrorOptions, RunContext } from '../workflow/mirror-options.ts'
import type { RunResult } from '../workflow/run-result.ts'
import type { Output } from './render/reporter.ts'

/** The use cases, loaded when a command needs them: `--help` answers without them. */
export interface Workflows {
  readonly mirrorToDisk: (options: MirrorOptions, context: RunContext) => Promise<RunResult>
  readonly diskToMirror: (options: MirrorOptions, context: RunContext) => Promise<RunResult>
  readonly mirrorToMirror: (options: MirrorOptions, context: RunContext) => Promise<RunResult>
  readonly planRun: (options: MirrorOptions, context: RunContext) => Promise<RunResult>
}

export interface CliContext extends Omit<RunContext, 'onEvent'> {
  /** The name it was called by: `airlift`, or `oc-mirror` where `oc` finds it as its plugin. */
  readonly program: string
  /** `linux/amd64`. */
  readonly platform: string
  readonly stdout: Output
  readonly stderr: Output
  readonly loadWorkflows: () => Promise<Workflows>
}
