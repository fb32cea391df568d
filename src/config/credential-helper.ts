/**
 * Credential helpers: `docker-credential-NAME get`, as docker and podman run them.
 *
 * The helper gets the host on its standard input and answers with one JSON document. It runs without a shell, for
 * a bounded time and with a bounded answer, which no message quotes.
 *
 * Protocol: https://github.com/docker/docker-credential-helpers/blob/v0.9.3/README.md#development
 */
import { execFile } from 'node:child_process'
import { z } from 'zod'
import { AirliftError, isSystemError } from '../base/errors.ts'
import type { Credential } from './auth-file.ts'

export interface HelperOptions {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly signal: AbortSignal
  /** Where the helper is named, for messages. */
  readonly namedIn: string
  /** Default: one minute, since a helper may ask the person something. */
  readonly timeoutMs?: number
}

const NAME = /^[A-Za-z0-9_.-]{1,100}$/
const MAX_ANSWER = 1024 * 1024
/** Said instead of an answer; every helper uses these words. */
const NOT_FOUND = /credentials not found in native keychain/i
const answerSchema = z.object({ Username: z.string().default(''), Secret: z.string().default('') })

/**
 * `undefined` where the helper has no credentials for `host`, or `optional` and it is not installed.
 *
 * @throws {AirliftError} `CREDENTIAL_HELPER_FAILED`.
 */
export async function askHelper(
  { name, optional }: { readonly name: string; readonly optional: boolean },
  host: string,
  options: HelperOptions,
): Promise<Credential | undefined> {
  const program = `docker-credential-${name}`
  const fail = (problem: string, cause?: unknown): AirliftError =>
    new AirliftError('CREDENTIAL_HELPER_FAILED', `asking ${program} for credentials of ${host}: ${problem}`, {
      hint: `run "echo ${host} | ${program} get" to see why, or remove the helper from ${options.namedIn}`,
      ...(cause !== undefined && { cause }),
    })
  if (!NAME.test(name)) {
    throw new AirliftError('CREDENTIAL_HELPER_FAILED', `not a name of a credential helper: ${JSON.stringify(name)}`, {
      hint: `use only letters, digits, "_", "." and "-" for the helper in ${options.namedIn}`,
    })
  }
  let answer: Answer
  try {
    answer = await run(program, host, options)
  } catch (error) {
    if (options.signal.aborted) throw options.signal.reason
    if (!isSystemError(error, 'ENOENT')) throw fail('it could not be started', error)
    if (optional) return undefined
    throw fail('it is not installed in any directory of PATH')
  }
  if (answer.problem !== undefined) {
    if (NOT_FOUND.test(answer.text)) return undefined
    throw fail(answer.problem)
  }
  const content = readAnswer(answer.text)
  if (content === undefined) throw fail('its answer is not the JSON document that helpers give')
  const { Username: username, Secret: secret } = content
  if (username === '<token>') return { kind: 'identity-token', token: secret }
  return username === '' && secret === '' ? undefined : { kind: 'basic', username, password: secret }
}

interface Answer {
  readonly text: string
  readonly problem?: string
}

/** Rejects with the system error where the program cannot be started. */
function run(program: string, host: string, options: HelperOptions): Promise<Answer> {
  const { env, signal, timeoutMs = 60_000 } = options
  const limits = { timeout: timeoutMs, killSignal: 'SIGKILL', maxBuffer: MAX_ANSWER } as const
  return new Promise((resolve, reject) => {
    const child = execFile(program, ['get'], { env, signal, encoding: 'utf8', ...limits }, (error, text) => {
      if (error === null) return resolve({ text })
      if (isSystemError(error, 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER')) {
        return resolve({ text: '', problem: `its answer is longer than ${MAX_ANSWER} bytes` })
      }
      if (typeof error.code === 'string') return reject(error)
      if (error.killed === true) return resolve({ text: '', problem: `no answer within ${timeoutMs / 1000} s` })
      return resolve({ text, problem: `it ended with ${error.signal ?? `exit code ${error.code ?? 'unknown'}`}` })
    })
    // A helper may end without reading its input; what it answered is what counts.
    child.stdin?.on('error', () => undefined)
    child.stdin?.end(host)
  })
}

function readAnswer(text: string): z.output<typeof answerSchema> | undefined {
  try {
    return answerSchema.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}
