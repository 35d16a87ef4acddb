import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/globalSetup.ts'],
    // Real processes on two cores: more workers than that only make the waiting times longer.
    maxWorkers: 2,
    // Tests wait for states, and not for times: this is for those that would wait for ever, on a busy machine too.
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
