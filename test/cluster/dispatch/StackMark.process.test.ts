import { join } from 'node:path';
import { expect, it } from 'vitest';
import { StackMark } from '../../../src/cluster/dispatch/StackMark.js';
import { runScript } from '../../support/runScript.js';
import { temporaryFolder } from '../store/support.js';

const FACTS = {
  session: '0123456789abcdef',
  seq: 2 ** 40,
  runs: 2,
  since: 12.5,
  name: 'eval',
  id: '1234567890123456789',
};

it.each([
  ['is killed', "process.kill(process.pid, 'SIGKILL')"],
  ['exits', 'process.exit(3)'],
  ['aborts', 'process.abort()'],
])('a mark outlives a process that %s before it leaves', async (_how, end) => {
  const path = join(temporaryFolder(), 'stack');
  await runScript(`
    const { StackMark } = await load('cluster/dispatch/StackMark.js');
    const mark = new StackMark(${JSON.stringify(path)}, (error) => { throw error; });
    mark.open();
    mark.enter(${JSON.stringify(FACTS)}, 5);
    ${end};`);
  const found = StackMark.read(path);
  expect(found?.pid).not.toBe(process.pid);
  expect(found?.onStack).toEqual({ ...FACTS, enteredAt: 5 });
});
