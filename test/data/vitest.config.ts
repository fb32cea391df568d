/**
 * Parsers over real data, which lies in `$AIRLIFT_SHARED/data` and is no part of the repository: run by `.ci/run`, as
 * `AIRLIFT_SHARED=/path/to/shared node tools/test.ts --config test/data/vitest.config.ts`.
 */
import type { ViteUserConfig } from 'vitest/config'

const config: ViteUserConfig = {
  test: {
    dir: import.meta.dirname,
    include: ['**/*.test.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    restoreMocks: true,
  },
}

export default config
