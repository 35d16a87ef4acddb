import { setImmediate as nextTurn } from 'node:timers/promises';
import { createLogger, WorkerExitedError } from 'kallisti';
import { hasEnded } from '../hasEnded.js';
import { spread } from '../measure.js';
import type { Row } from '../Suite.js';
import { EchoConnection } from './Ours.js';

const REQUESTS = 100;
const ROUNDS = 5;

/** A worker that is killed with requests under way: how long after its end the last of them is rejected, and how well. */
export async function death(progress: (what: string) => void): Promise<readonly Row[]> {
  const what = `killed with ${REQUESTS} under way`;
  progress(what);
  const waits: number[] = [];
  const shortcomings = new Set<string>();
  for (let round = 0; round < ROUNDS; round++) {
    const { ms, badErrors } = await killOne();
    waits.push(ms);
    for (const message of badErrors) shortcomings.add(message);
  }
  const note =
    shortcomings.size === 0
      ? `from its end, seen in /proc, to the last of ${REQUESTS} rejections; each names worker, pid and signal`
      : `NOT as promised: ${[...shortcomings].slice(0, 3).join('; ')}`;
  // A wrong rejection is none.
  const ours = spread(shortcomings.size === 0 ? waits : [Number.POSITIVE_INFINITY]);
  return [{ what, unit: 'ms', ours, target: { is: 'at most', value: 100, of: 'ours' }, note }];
}

async function killOne(): Promise<{ ms: number; badErrors: readonly string[] }> {
  const worker = new EchoConnection(3, createLogger({ level: 'fatal' }));
  await worker.connect(30_000);
  const { pid } = worker;
  if (pid === undefined) throw new Error('the worker has no pid');
  const badErrors: string[] = [];
  let lastRejection = 0;
  const requests = Array.from({ length: REQUESTS }, async () => {
    try {
      await worker.request('hang', undefined);
      badErrors.push('a request was answered');
    } catch (error) {
      lastRejection = performance.now();
      if (!isAccurate(error, pid)) badErrors.push(String(error));
    }
  });
  // It has them all when it answers one that was sent after them.
  await worker.request('echo', 0);
  process.kill(pid, 'SIGKILL');
  while (!hasEnded(pid)) await nextTurn();
  const end = performance.now();
  await Promise.all(requests);
  await worker.ended;
  return { ms: Math.max(0, lastRejection - end), badErrors };
}

/** Whether an error says what happened to whom, in its fields and to whoever reads it. */
function isAccurate(error: unknown, pid: number): boolean {
  return (
    error instanceof WorkerExitedError &&
    error.exit.signal === 'SIGKILL' &&
    ['echoWorker 3', `pid ${pid}`, 'SIGKILL', 'hang'].every((part) => error.message.includes(part))
  );
}
