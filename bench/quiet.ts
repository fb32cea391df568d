/** Waits until nothing else uses the machine: a figure taken beside other work says little. */
import { cpus } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'

const SAMPLE_MS = 1500
const BUSY_SHARE = 0.1
const LONGEST_MS = 300_000

/** @returns whether it became quiet in time. */
export async function quietMachine(): Promise<boolean> {
  const end = Date.now() + LONGEST_MS
  while (Date.now() < end) {
    const before = times()
    await sleep(SAMPLE_MS)
    const after = times()
    if ((after.busy - before.busy) / (after.all - before.all) < BUSY_SHARE) return true
  }
  return false
}

/** Milliseconds of all cores since they started. */
function times(): { readonly busy: number; readonly all: number } {
  const all = cpus().map(({ times: { user, nice, sys, idle, irq } }) => ({
    idle,
    sum: user + nice + sys + idle + irq,
  }))
  const total = all.reduce((sum, core) => sum + core.sum, 0)
  return { busy: total - all.reduce((sum, core) => sum + core.idle, 0), all: total }
}
