import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/**
 * For `npm run test:soak` and `npm run test:chaos`, which take longer than everyday tests may. `npm test` runs half a minute
 * of the chaos.
 */
export default defineConfig({
  root: fileURLToPath(new URL('../..', import.meta.url)),
  test: {
    include: ['test/soak/*.soak.ts', 'test/soak/chaos.test.ts'],
    globalSetup: ['test/support/leftovers.ts', 'test/globalSetup.ts'],
    setupFiles: ['test/support/leaveNothing.ts'],
    env: { CHAOS_SECONDS: process.env.CHAOS_SECONDS ?? '300' },
    // The tests end by themselves, and each of their steps has a limit.
    testTimeout: 24 * 60 * 60 * 1000,
    hookTimeout: 120_000,
  },
});
