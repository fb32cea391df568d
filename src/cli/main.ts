/**
 * The entry of the command line, and the only file that touches the process.
 *
 * The first SIGINT or SIGTERM aborts and lets what runs come to its end; the
 * second ends the process at once.
 */
import { basename } from 'node:path'
import type { CliContext } from './cli-context.ts'
import { runCommandLine } from './program.ts'
import { exitCodeOfError } from '../workflow/run-result.ts'
import { createPrompt } from './prompt.ts'
import { EXIT, renderError, renderInterrupted } from './report-error.ts'
import { styleFor } from './render/style.ts'

const { env, stdin, stdout, stderr } = process
const stop = new AbortController()

for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => {
    if (stop.signal.aborted) process.exit(EXIT.interrupted)
    stderr.write(`received ${name}: stopping; once more to stop at once\n`)
    stop.abort(new DOMException(`received ${name}`, 'AbortError'))
  })
}
// A reader that has seen enough (`| head`) ends the run without a word.
stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(EXIT.failed)
})

const context: CliContext = {
  program: env['AIRLIFT_PROGRAM'] ?? (basename(process.argv[1] ?? '') === 'oc-mirror' ? 'oc-mirror' : 'airlift'),
  platform: `${process.platform}/${process.arch === 'x64' ? 'amd64' : process.arch}`,
  env,
  cwd: process.cwd(),
  signal: stop.signal,
  now: () => new Date(),
  stdout,
  stderr,
  ...(stdin.isTTY &&
    stderr.isTTY && { askCredentials: createPrompt({ input: stdin, output: stderr, signal: stop.signal }) }),
  loadWorkflows: async () => ({
    ...(await import('../workflow/mirror-to-mirror.ts')),
    ...(await import('../workflow/plan-run.ts')),
    ...(await import('../workflow/mirror-to-disk.ts')),
    ...(await import('../workflow/disk-to-mirror.ts')),
  }),
}

async function main(args: readonly string[]): Promise<number> {
  try {
    const exitCode = await runCommandLine(args, context)
    return stop.signal.aborted ? EXIT.interrupted : exitCode
  } catch (error) {
    stderr.write(stop.signal.aborted ? renderInterrupted() : renderError(error, styleFor(stderr.isTTY, env)))
    return stop.signal.aborted ? EXIT.interrupted : exitCodeOfError(error)
  }
}

void main(process.argv.slice(2)).then((exitCode) => (process.exitCode = exitCode))
