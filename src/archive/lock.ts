/**
 * One writer for each directory, by a file that says who it is.
 *
 * A process that is killed leaves the file and holds nothing: whoever comes next
 * sees that there is no such process. Where it cannot see (another container,
 * another machine on shared storage), the file counts while it is touched.
 */
import { randomUUID } from 'node:crypto'
import { closeSync, futimesSync, openSync, readFileSync, renameSync, rmSync, statSync, writeSync } from 'node:fs'
import { hostname } from 'node:os'
import { AirliftError, isSystemError } from '../base/errors.ts'
import { bootId, pidNamespace, processStart } from './machine.ts'

interface Holder {
  /** Of this one lock. */
  readonly id: string
  readonly pid: number
  readonly start: string
  readonly boot: string
  readonly namespace: string
  readonly host: string
}

export interface LockOptions {
  /** Time between two touches of the file, in milliseconds; injected by tests. */
  readonly touchMs?: number
}

const TOUCH_MS = 5000
/** Touches that a holder may miss. */
const MISSED = 6
const ATTEMPTS = 4

export class DirectoryLock implements Disposable {
  readonly #path: string
  readonly #id: string
  readonly #fd: number
  readonly #timer: NodeJS.Timeout

  /**
   * @param path file whose directory is there.
   * @throws {AirliftError} `ARCHIVE_BUSY` where another run holds it.
   */
  constructor(path: string, { touchMs = TOUCH_MS }: LockOptions = {}) {
    this.#path = path
    this.#id = randomUUID()
    this.#fd = this.#take(touchMs)
    this.#timer = setInterval(() => this.#touch(), touchMs).unref()
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
    closeSync(this.#fd)
    if (readHolder(this.#path)?.id === this.#id) rmSync(this.#path, { force: true })
  }

  #take(touchMs: number): number {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const fd = this.#create()
      if (fd !== undefined) return fd
      const holder = readHolder(this.#path)
      if (isHeld(this.#path, holder, touchMs)) throw busy(this.#path, holder)
      this.#remove(holder)
    }
    throw busy(this.#path, readHolder(this.#path))
  }

  /** `undefined` where there is one. */
  #create(): number | undefined {
    const holder: Holder = {
      id: this.#id,
      pid: process.pid,
      start: processStart(process.pid) ?? '',
      boot: bootId(),
      namespace: pidNamespace(),
      host: hostname(),
    }
    const fd = createFile(this.#path)
    try {
      if (fd !== undefined) writeSync(fd, `${JSON.stringify(holder)}\n`)
      return fd
    } catch (error) {
      rmSync(this.#path, { force: true })
      throw error
    }
  }

  /** Takes a lock away that nobody holds, and puts it back where another process was faster. */
  #remove(stale: Holder | undefined): void {
    const aside = `${this.#path}.${this.#id}`
    try {
      renameSync(this.#path, aside)
    } catch (error) {
      if (isSystemError(error, 'ENOENT')) return
      throw error
    }
    if (readHolder(aside)?.id === stale?.id) rmSync(aside, { force: true })
    else renameSync(aside, this.#path)
  }

  #touch(): void {
    const now = new Date()
    try {
      futimesSync(this.#fd, now, now)
    } catch {
      // The disk is at fault; what is written next says so.
    }
  }
}

/** `undefined` where the file exists. */
function createFile(path: string): number | undefined {
  try {
    return openSync(path, 'wx')
  } catch (error) {
    if (isSystemError(error, 'EEXIST')) return undefined
    throw error
  }
}

function isHeld(path: string, holder: Holder | undefined, touchMs: number): boolean {
  if (holder?.boot === bootId() && holder.namespace === pidNamespace()) return processStart(holder.pid) === holder.start
  const touched = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0
  return Date.now() - touched < MISSED * touchMs
}

function readHolder(path: string): Holder | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'))
    return isHolder(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isHolder(value: unknown): value is Holder {
  if (typeof value !== 'object' || value === null) return false
  const fields = value as Readonly<Record<string, unknown>>
  const texts = ['id', 'start', 'boot', 'namespace', 'host'].every((name) => typeof fields[name] === 'string')
  return texts && Number.isSafeInteger(fields['pid'])
}

function busy(path: string, holder: Holder | undefined): AirliftError {
  const isHere = holder?.boot === bootId() && holder.namespace === pidNamespace()
  const who = holder === undefined ? 'another run' : `process ${holder.pid}${isHere ? '' : ` of ${holder.host}`}`
  return new AirliftError('ARCHIVE_BUSY', `${who} is writing to ${path.slice(0, path.lastIndexOf('/.airlift'))}`, {
    hint: isHere
      ? 'wait until it ends, or stop it'
      : 'wait until it ends; if it was killed, run again in half a minute (it cannot be seen from here)',
  })
}
