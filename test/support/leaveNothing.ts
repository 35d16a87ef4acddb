import { mkdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, inject, vi } from 'vitest';

// A temporary folder of its own, by which its processes and files are known: ./leftovers.ts looks for them in the end.
const folder = join(inject('temporaryFolder'), basename(expect.getState().testPath ?? '').split('.', 1)[0] ?? '');
mkdirSync(folder, { recursive: true });
process.env.TMPDIR = folder;
// What modules remember, such as secrets to hide, is of one file. So is what they hang on this thread's output when they load.
vi.resetModules();
const outputs = [process.stdout, process.stderr].map((stream) => ({ stream, before: stream.listeners('error') }));

afterAll(async () => {
  for (const { stream, before } of outputs) {
    const added = stream.listeners('error').filter((listener) => !before.includes(listener));
    for (const listener of added) stream.off('error', listener as () => void);
  }
  const left = (): string[] =>
    process.getActiveResourcesInfo().filter((name) => /^(?:TCPServer|Process)Wrap$/.test(name));
  // What was told to close needs a moment.
  for (let tries = 0; tries < 100 && left().length > 0; tries++) await sleep(50);
  expect(left(), 'servers that listen and child processes that run').toEqual([]);
});
