import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { afterAll, expect } from 'vitest';

const started: (string | undefined)[] = [];
const note = (): void => void started.push(new Error('started here').stack);
subscribe('child_process', note);

afterAll(() => {
  unsubscribe('child_process', note);
  expect(started, 'a unit test starts no process: name the file *.process.test.ts').toEqual([]);
});
