/**
 * Mirrors to a disk or from it, and prints a line for each event, so that it can be killed after any of them:
 * `node archive-until-killed.ts disk CONFIG ROOT` or `… registry CONFIG ROOT HOST`.
 */
import { writeSync } from 'node:fs'
import { toDisk, toMirror } from './mirror-run.ts'

const [mode = '', config = '', root = '', host = ''] = process.argv.slice(2)
// The line is out before the next thing happens.
const onEvent = ({ type }: { readonly type: string }): void => void writeSync(1, `${type}\n`)
await (mode === 'disk' ? toDisk(config, root, { onEvent }) : toMirror(config, [root], { host }, { onEvent }))
