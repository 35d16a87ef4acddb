import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** For `npm run test:soak`, which takes longer than everyday tests may. */
export default defineConfig({
  root: fileURLToPath(new URL('../..', import.meta.url)),
  test: {
    include: ['test/soak/*.soak.ts'],
    globalSetup: ['test/globalSetup.ts'],
    // The test ends by itself, and each of its steps has a limit.
    testTimeout: 24 * 60 * 60 * 1000,
    hookTimeout: 120_000,
  },
});
