/** Needs docker-registry, skopeo and htpasswd, which `.ci/run` installs: `node tools/test.ts --config test/interop/vitest.config.ts`. */
import type { ViteUserConfig } from 'vitest/config'

const config: ViteUserConfig = {
  test: {
    dir: import.meta.dirname,
    include: ['**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    restoreMocks: true,
  },
}

export default config
