import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** Of `npm run test:soak`, which takes longer than the tests of every day may. */
export default defineConfig({
  root: fileURLToPath(new URL('../..', import.meta.url)),
  test: {
    include: ['test/soak/*.soak.ts'],
    globalSetup: ['test/support/leftovers.ts', 'test/globalSetup.ts'],
    setupFiles: ['test/support/leaveNothing.ts'],
    // It ends by itself; each of its steps has a limit of its own.
    testTimeout: 24 * 60 * 60 * 1000,
    hookTimeout: 120_000,
  },
});
