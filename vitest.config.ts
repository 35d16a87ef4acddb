import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** Tests that start processes: the built bot, a browser, any program. All others are unit tests. */
const PROCESSES = ['test/{e2e,soak}/**/*.test.ts', 'test/**/*.process.test.ts'];

// Tests wait for states, and not for times: this is for those that would wait for ever, on a busy machine too.
const TIMEOUTS = { testTimeout: 120_000, hookTimeout: 120_000 };

// What imports the package by its name (the fakes of the bench) gets the same source as the test, and needs no build.
const OURSELVES = [
  { find: /^kallisti$/, replacement: fileURLToPath(new URL('src/core/index.ts', import.meta.url)) },
  { find: /^kallisti\/(.+)$/, replacement: fileURLToPath(new URL('src/$1/index.ts', import.meta.url)) },
];

export default defineConfig({
  test: {
    projects: [
      {
        resolve: { alias: OURSELVES },
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
          // More than there are cores: some files wait on real sockets and real time for most of theirs.
          maxWorkers: availableParallelism() * 3,
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
