/**
 * Runs the tests and ends with the plain line `N passed, N failed`.
 *
 * A file that does not load, and an error that no test caught, count as failed.
 * Arguments are vitest's: names or parts of names of test files (all run without), and flags such as `--config`.
 */
import { parseCLI, startVitest } from 'vitest/node'

const { filter, options } = parseCLI(['vitest', 'run', ...process.argv.slice(2)])
const vitest = await startVitest('test', filter, { ...options, watch: false })
const files = vitest.state.getTestModules()
const tests = files.flatMap((file) => [...file.children.allTests()])
const passed = tests.filter((test) => test.ok() && test.result().state === 'passed').length
const broken =
  files.filter((file) => file.errors().length > 0).length +
  files.flatMap((file) => [...file.children.allSuites()]).filter((suite) => suite.errors().length > 0).length +
  vitest.state.getUnhandledErrors().length
const failed = tests.filter((test) => test.result().state === 'failed').length + broken
const skipped = tests.length - passed - (failed - broken)
await vitest.close()

console.log(`${passed} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`)
process.exitCode = failed > 0 || passed === 0 ? 1 : 0
