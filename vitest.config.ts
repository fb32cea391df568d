import type { ViteUserConfig } from 'vitest/config'

const config: ViteUserConfig = {
  test: {
    include: ['src/**/*.test.ts', 'test/*.test.ts', 'test/{integration,e2e,faults}/**/*.test.ts'],
    testTimeout: 20_000,
    hookTimeout: 20_000,
    restoreMocks: true,
  },
}

export default config
