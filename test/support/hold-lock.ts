/** Holds a lock until it is killed: `node hold-lock.ts FILE`. Says `held`, or ends where it cannot. */
import { DirectoryLock } from '../../src/archive/lock.ts'

const [path = ''] = process.argv.slice(2)
const lock = new DirectoryLock(path)
process.stdout.write('held\n')
setInterval(() => void lock, 1000)
