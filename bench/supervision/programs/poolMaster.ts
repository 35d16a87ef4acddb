import { setTimeout as sleep } from 'node:timers/promises';
import { hasEnded } from '../../hasEnded.js';
import { BareFork } from '../../ipc/BareFork.js';
import { EchoPool } from '../../ipc/Ours.js';

export interface PoolOrder {
  readonly workers: number;
  readonly broadcasts: number;
  readonly restMs: number;
}

export interface PoolReport {
  readonly spawnMs: number;
  /** As many bare children, until each has said that it runs. */
  readonly forkMs: number;
  readonly broadcastMs: readonly number[];
  readonly restPercent: readonly number[];
  readonly residentMb: number;
  readonly leftBehind: number;
}

const SLICE_MS = 5_000;
/** After the last message, so that what was only needed for it is not taken for rest. */
const SETTLE_MS = 2_000;
const WARM_UP = 20;

const { workers, broadcasts, restMs } = JSON.parse(process.argv[2] ?? '{}') as PoolOrder;

async function timed(act: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await act();
  return performance.now() - startedAt;
}

async function cpuPercent(durationMs: number): Promise<number> {
  const startedAt = performance.now();
  const before = process.cpuUsage();
  await sleep(durationMs);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 10 / (performance.now() - startedAt);
}

let bare: BareFork | undefined;
const forkMs = await timed(async () => {
  bare = await BareFork.start(workers);
});
await bare?.stop();

const pool = new EchoPool(workers);
const spawnMs = await timed(() => pool.spawnAll());
const pids = pool.alive.map(({ pid }) => pid ?? 0);
const broadcastMs: number[] = [];
for (let round = 0; round < WARM_UP + broadcasts; round++) {
  const ms = await timed(async () => {
    const replies = await pool.requestAll('echo', 'x'.repeat(100));
    const answered = replies.filter(({ status }) => status === 'fulfilled').length;
    if (answered !== workers) throw new Error(`only ${answered} of ${workers} workers answered`);
  });
  if (round >= WARM_UP) broadcastMs.push(ms);
}
await sleep(SETTLE_MS);
const restPercent: number[] = [];
for (let restedMs = 0; restedMs < restMs; restedMs += SLICE_MS)
  restPercent.push(await cpuPercent(Math.min(SLICE_MS, restMs)));
const residentMb = process.memoryUsage.rss() / 2 ** 20;
await pool.killAll();

const leftBehind = pids.filter((pid) => !hasEnded(pid)).length;
const report: PoolReport = { spawnMs, forkMs, broadcastMs, restPercent, residentMb, leftBehind };
process.send?.(report, () => process.disconnect());
