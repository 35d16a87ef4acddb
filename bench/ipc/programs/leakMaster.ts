import { getEventListeners, setMaxListeners } from 'node:events';
import { createLogger } from 'kallisti';
import type { ProcessState } from '../EchoContract.js';
import { EchoConnection } from '../Ours.js';
import { processState } from '../processState.js';

/** What a master of its own reports to the suite. */
export interface LeakReport {
  readonly masterBytes: number;
  readonly workerBytes: number;
  /** The same for the first requests of the process. */
  readonly warmUpBytes: { readonly master: number; readonly worker: number };
  /** What there is more of than before, in words. */
  readonly leftOver: readonly string[];
}

const REQUESTS = 100_000;
const WARM_UP = 300_000;
const IN_FLIGHT = 100;

const worker = new EchoConnection(0, createLogger({ level: 'warn' }));
await worker.connect(30_000);
const { signal } = new AbortController();
// Fifty requests at a time listen to it, by intent.
setMaxListeners(0, signal);

async function ask(count: number): Promise<void> {
  let sent = 0;
  await Promise.all(
    Array.from({ length: IN_FLIGHT }, async () => {
      while (sent < count) {
        sent++;
        // Every second one with a signal that outlives it: its listener must go with the request.
        await worker.request('echo', 'x'.repeat(100), sent % 2 === 0 ? { signal } : {});
      }
    }),
  );
}

async function states(): Promise<readonly [master: ProcessState, worker: ProcessState]> {
  return [await processState(), await worker.request('getState', undefined)];
}

function more(where: string, before: ProcessState, after: ProcessState): string[] {
  return Object.entries(after.resources)
    .map(([kind, count]) => [kind, count - (before.resources[kind] ?? 0)] as const)
    .filter(([, count]) => count > 0)
    .map(([kind, count]) => `${count} ${kind} in the ${where}`);
}

// V8's young generation reaches its size with the first of them; it keeps that, whatever it is used for, and it is no leak.
const fresh = await states();
await ask(WARM_UP);
const before = await states();
await ask(REQUESTS);
const after = await states();
const listeners = getEventListeners(signal, 'abort').length;
const report: LeakReport = {
  masterBytes: after[0].rssBytes - before[0].rssBytes,
  workerBytes: after[1].rssBytes - before[1].rssBytes,
  warmUpBytes: {
    master: before[0].rssBytes - fresh[0].rssBytes,
    worker: before[1].rssBytes - fresh[1].rssBytes,
  },
  leftOver: [
    ...more('master', before[0], after[0]),
    ...more('worker', before[1], after[1]),
    ...(listeners === 0 ? [] : [`${listeners} listeners`]),
    ...(worker.pendingRequests === 0 ? [] : [`${worker.pendingRequests} pending requests`]),
  ],
};
process.send?.(report);
await worker.kill();
process.disconnect();
