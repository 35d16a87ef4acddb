import { expect, it } from 'vitest';
import type { ClusterStatus, LiveStatus } from '../../../src/core/contracts/AdminApi.js';
import { HistoryRecorder } from '../../../src/master/admin/HistoryRecorder.js';
import { silentLogger } from '../../support/processes.js';

const recorder = (): HistoryRecorder =>
  new HistoryRecorder(
    () => Promise.reject(new Error('not asked')),
    () => undefined,
    silentLogger(),
  );

const at = (seconds: number, ...clusters: [pid: number | null, events: number | null][]): LiveStatus => {
  const totals = { guilds: 5, shardsReady: 2, commandLatencyMs: { p50: 20, p99: 90 }, shardLatencyMs: 33, rssBytes: 7 };
  const statuses = clusters.map(([pid, events], clusterId) => ({ clusterId, pid, events, commands: events }));
  return { at: seconds * 1000, totals, clusters: statuses as unknown as ClusterStatus[] } as unknown as LiveStatus;
};

it('has rates over the whole time between two samples, right for a process that began anew', () => {
  const history = recorder();
  history.add(at(0, [1, 100], [2, 50]));
  history.add(at(10, [1, 200], [2, 100]));
  history.add(at(20, [9, 30], [2, 100]));
  history.add(at(30, [null, null], [2, 120]));
  history.add(at(40, [9, 60], [2, 120]));
  expect(history.read().eventsPerSecond).toEqual([0, 15, 3, 2, 3]);
  expect(history.read()).toMatchObject({ stepMs: 10_000, commandP99Ms: Array(5).fill(90), guilds: Array(5).fill(5) });
});

it('keeps the last hour', () => {
  const history = recorder();
  for (let n = 0; n < 1_000; n++) history.add(at(n * 10, [1, n]));
  const { at: times, rssBytes } = history.read();
  expect([times.length, rssBytes.length, times[0], times.at(-1)]).toEqual([360, 360, 6_400_000, 9_990_000]);
});
