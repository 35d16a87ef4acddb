import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** Of `npm run test:chaos`: the long form of what `npm test` runs for half a minute. */
export default defineConfig({
  root: fileURLToPath(new URL('../..', import.meta.url)),
  test: {
    include: ['test/soak/chaos.test.ts'],
    globalSetup: ['test/support/leftovers.ts', 'test/globalSetup.ts'],
    setupFiles: ['test/support/leaveNothing.ts'],
    env: { CHAOS_SECONDS: process.env.CHAOS_SECONDS ?? '300' },
    testTimeout: 24 * 60 * 60 * 1000,
    hookTimeout: 120_000,
  },
});
