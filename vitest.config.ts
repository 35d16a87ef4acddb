import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** Tests that start processes: the built bot, a browser, any program. All others are unit tests. */
const PROCESSES = ['test/{e2e,soak}/**/*.test.ts', 'test/**/*.process.test.ts'];

// Tests wait for states, and not for times: this is for those that would wait for ever, on a busy machine too.
const TIMEOUTS = { testTimeout: 120_000, hookTimeout: 120_000 };

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...TIMEOUTS,
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: PROCESSES,
          globalSetup: ['test/support/leftovers.ts'],
          setupFiles: ['test/support/leaveNothing.ts', 'test/support/startNothing.ts'],
          // Libraries are loaded once a thread; test/support/leaveNothing.ts gives each file our own modules anew.
          pool: 'threads',
          isolate: false,
          // One more than there are cores: some wait on real sockets for a moment.
          maxWorkers: availableParallelism() + 1,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...TIMEOUTS,
          name: 'processes',
          include: PROCESSES,
          globalSetup: ['test/support/leftovers.ts', 'test/globalSetup.ts'],
          setupFiles: ['test/support/leaveNothing.ts'],
          // Each starts several processes, and waits for them more than it computes.
          maxWorkers: 3,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
