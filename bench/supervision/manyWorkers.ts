import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { spread } from '../measure.js';
import type { Row } from '../Suite.js';
import { one, row } from '../sessions/rows.js';
import type { PoolOrder, PoolReport } from './programs/poolMaster.js';

const PROGRAM = fileURLToPath(new URL('programs/poolMaster.js', import.meta.url));

/** A master of its own with plain workers: what many of them cost it. */
export async function manyWorkers(quick: boolean, progress: (what: string) => void): Promise<readonly Row[]> {
  const order: PoolOrder = quick
    ? { workers: 20, broadcasts: 50, restMs: 2_000 }
    : { workers: 100, broadcasts: 500, restMs: 15_000 };
  progress(`${order.workers} workers`);
  const child = fork(PROGRAM, [JSON.stringify(order)]);
  const [[report]] = (await Promise.all([once(child, 'message'), once(child, 'exit')])) as [[PoolReport], unknown];
  const { broadcastMs } = report;
  return [
    {
      ...row('all spawned and ready after', 's', one(report.spawnMs / 1_000)),
      reference: one(report.forkMs / 1_000),
      ratio: one(report.spawnMs / report.forkMs),
      note: 'the reference is as many bare child_process.fork of a program of two lines',
    },
    row('requestAll, p50', 'ms', one(quantile(broadcastMs, 0.5))),
    row('requestAll, p99', 'ms', one(quantile(broadcastMs, 0.99))),
    {
      ...row("master's CPU at rest", '% of a core', spread(report.restPercent), 5),
      note: `each number is of five seconds, over ${order.restMs / 1_000} s; every worker gives two signs of life a second`,
    },
    row("master's memory", 'MB', one(report.residentMb)),
    row('processes left behind', '', one(report.leftBehind), 0),
  ].map((line) => ({ ...line, what: `${order.workers} workers: ${line.what}` }));
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
