import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Row } from '../Suite.js';
import type { LeakReport } from './programs/leakMaster.js';

/** What a hundred thousand requests leave behind in both processes. */
export async function leaks(progress: (what: string) => void): Promise<readonly Row[]> {
  progress('100 000 requests');
  const child = fork(fileURLToPath(new URL('programs/leakMaster.js', import.meta.url)), { execArgv: ['--expose-gc'] });
  const [[report]] = (await Promise.all([once(child, 'message'), once(child, 'exit')])) as [[LeakReport], unknown];
  const { master, worker } = report.warmUpBytes;
  const warmUp = `the first 300 000, in which V8's young generation reaches its size: ${(master / 1e6).toFixed(1)} MB in the master, ${(worker / 1e6).toFixed(1)} MB in the worker`;
  const grown = (what: string, value: number, unit: string, max: number): Row => ({
    what,
    unit,
    ours: { median: value, min: value, max: value },
    target: { is: 'at most', value: max, of: 'ours' },
  });
  return [
    { ...grown('after 100 000 more: RSS, master', report.masterBytes / 1e6, 'MB', 10), note: warmUp },
    grown('after 100 000 more: RSS, worker', report.workerBytes / 1e6, 'MB', 10),
    {
      ...grown('after 100 000 more: left over', report.leftOver.length, '', 0),
      note: report.leftOver.join(', ') || NOTHING,
    },
  ];
}

const NOTHING = 'no timer, listener, handle or pending request more than before, in master and worker';
