/** What Linux tells of this boot of the machine and of its processes. */
import { randomUUID } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'

/** Another after each restart of the machine, and for containers that of their host. Unknown is like none before. */
export function bootId(): string {
  return read('/proc/sys/kernel/random/boot_id')?.trim() ?? randomUUID()
}

/** Processes that see each other by their ids have the same. */
export function pidNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid')
  } catch {
    return randomUUID()
  }
}

/**
 * When a process began, in the kernel's ticks: together with its id, no two processes of one boot share it.
 *
 * @returns `undefined` where there is no such process, or only what is left of one.
 */
export function processStart(pid: number): string | undefined {
  const stat = read(`/proc/${pid}/stat`)
  // The second field is a name in brackets, which may hold anything.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
  const isGone = fields?.[0] === 'Z' || fields?.[0] === 'X'
  return isGone ? undefined : fields?.[19]
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
