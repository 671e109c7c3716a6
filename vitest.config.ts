import { defineConfig } from 'vitest/config'

/** `npm test`: everything that is fast. `npm run test:long` sets HOLDFAST_TEST_LONG and runs the *.long.test.ts files. */
const isLong = process.env.HOLDFAST_TEST_LONG !== undefined

export default defineConfig({
  oxc: { jsx: { runtime: 'automatic', importSource: 'hono/jsx' } },
  test: {
    include: isLong ? ['{src,tests}/**/*.long.test.{ts,tsx}'] : ['{src,tests}/**/*.test.{ts,tsx}'],
    exclude: ['node_modules/**', 'dist/**', ...(isLong ? [] : ['**/*.long.test.{ts,tsx}'])],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: isLong ? 1_800_000 : 30_000,
    hookTimeout: 60_000,
    reporters: ['default'],
  },
})
