import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { fixture } from '../../support/runScript.js';

it("runs every example of the seed's page as written", async () => {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [fixture('seed/entrypoints/main.js')]);
  expect(stderr).toBe('');
  expect(JSON.parse(stdout)).toEqual({
    response: 'tock! 5',
    answers: ['Hello! back at you, worker 0!', 'Hello! back at you, worker 1!', 'Hello! back at you, worker 2!'],
  });
});
