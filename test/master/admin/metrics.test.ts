import { afterEach, beforeEach, expect, it } from 'vitest';
import { clusterMetrics } from '../../../src/master/admin/metrics/clusterMetrics.js';
import { masterMetrics } from '../../../src/master/admin/metrics/masterMetrics.js';
import { shardMetrics } from '../../../src/master/admin/metrics/shardMetrics.js';
import { parseMetrics } from './parseMetrics.js';
import { World } from './World.js';

let world: World;
beforeEach(async () => {
  world = await World.start();
});
afterEach(() => world.stop());

const scrape = async () => {
  const { headers, text } = await world.call('/metrics');
  expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
  return parseMetrics(text);
};

it('are what Prometheus can parse, with names, units and types by its conventions', async () => {
  const { families } = await scrape();
  expect(families.size).toBeGreaterThan(45);
  for (const { name, help, type, samples } of families.values()) {
    expect(name).toMatch(/^(?:kallisti|process|nodejs)(?:_[a-z]+)+$/);
    expect(help).toMatch(/^[A-Z].{10,}\.$|1 for|always 1/);
    expect([name, name.endsWith('_total')]).toEqual([name, type === 'counter']);
    expect([name, /_(?:ms|milliseconds|mb|kb|percent)(?:_|$)/.test(name)]).toEqual([name, false]);
    if (type === 'histogram') expect(samples.every((sample) => /_(?:bucket|sum|count)$/.test(sample.name))).toBe(true);
  }
  const declared = [...masterMetrics, ...clusterMetrics, ...shardMetrics].map(({ name }) => name);
  expect(declared.filter((name) => !families.has(name))).toEqual([]);
});

it('count the runs of jobs, by what became of them', async () => {
  for (const outcome of ['done', 'done', 'skipped'] as const) world.admin.noteJobRun('sweep', outcome);
  const { value, values } = await scrape();
  expect(value('kallisti_job_runs_total', { name: 'sweep', outcome: 'done' })).toBe(2);
  expect(value('kallisti_job_runs_total', { name: 'sweep', outcome: 'skipped' })).toBe(1);
  expect(values('kallisti_job_runs_total')).toHaveLength(2);
});

it('hold every cluster and every shard once', async () => {
  world.fleet.clusters.all[1]?.send('shardsArrived', [
    { shardId: 2, by: 'resumed', replayed: 3, pauseMs: 45 },
    { shardId: 3, by: 'identified', replayed: 0, pauseMs: null },
  ]);
  world.fleet.histories.set(1, { entries: [], counts: new Map([['failedStart', 4]]) });
  const { value, values } = await scrape();
  expect(value('kallisti_clusters_ready')).toBe(2);
  expect([value('kallisti_spares'), value('kallisti_spares_ready')]).toEqual([1, 1]);
  expect(value('kallisti_cluster_state', { cluster: '1', state: 'ready' })).toBe(1);
  expect(value('kallisti_cluster_state', { cluster: '1', state: 'crashed' })).toBe(0);
  expect(value('kallisti_cluster_restarts_total', { cluster: '1', cause: 'failedStart' })).toBe(4);
  expect(value('kallisti_cluster_restarts_total', { cluster: '0', cause: 'crash' })).toBe(0);
  expect(value('kallisti_shard_state', { shard: '3', cluster: '1', state: 'ready' })).toBe(1);
  expect(value('kallisti_shard_latency_seconds', { shard: '3' })).toBe(0.04);
  expect(value('kallisti_shard_resumes_total', { shard: '0' })).toBe(2);
  expect(values('kallisti_shard_up')).toHaveLength(4);
  expect(value('kallisti_identify_budget_remaining')).toBe(900);
  expect(value('kallisti_rest_requests_total', { cluster: '0', status: '429' })).toBe(1);
  expect(value('kallisti_rest_request_duration_seconds_bucket', { cluster: '0', le: '0.05' })).toBe(140);
  expect(value('kallisti_rest_request_duration_seconds_bucket', { cluster: '0', le: '+Inf' })).toBe(151);
  expect(value('kallisti_rest_request_duration_seconds_count', { cluster: '0' })).toBe(151);
  expect(value('kallisti_rest_request_duration_seconds_sum', { cluster: '0' })).toBe(9);
  expect(value('kallisti_handover_pause_seconds_count')).toBe(1);
  expect(value('kallisti_handover_pause_seconds_bucket', { le: '0.05' })).toBe(1);
  expect(values('kallisti_shard_last_pause_seconds')).toEqual([
    expect.objectContaining({ labels: { cluster: '1', shard: '2' }, value: 0.045 }),
  ]);
  expect(value('kallisti_shard_arrivals_total', { by: 'resumed' })).toBe(1);
  expect(value('kallisti_replayed_events_total')).toBe(3);
  expect(value('kallisti_ipc_queue_bytes', { cluster: '1' })).toBe(17);
});

it('count requests between processes, and errors by codes of ours only', async () => {
  const { observer } = world.admin;
  observer.requested('getStats', 3, undefined);
  observer.requested('getStats', 10_000, 'REQUEST_TIMEOUT');
  observer.served('evaluate', 1, 'E_WHATEVER_A_HANDLER_THROWS');
  const { value } = await scrape();
  const labels = { direction: 'to_cluster', message: 'getStats' };
  expect(value('kallisti_ipc_request_duration_seconds_count', labels)).toBe(2);
  expect(value('kallisti_ipc_request_duration_seconds_bucket', { ...labels, le: '0.005' })).toBe(1);
  expect(value('kallisti_ipc_request_errors_total', { ...labels, code: 'REQUEST_TIMEOUT' })).toBe(1);
  expect(value('kallisti_ipc_request_errors_total', { direction: 'to_master', code: 'OTHER' })).toBe(1);
});

it('grow by no series for paths that strangers make up', async () => {
  for (let n = 0; n < 20; n++) await world.call(`/api/made-up-${n}`);
  const { values } = await scrape();
  const routes = new Set(values('kallisti_admin_request_duration_seconds_count').map(({ labels }) => labels.route));
  expect([...routes]).toEqual(['none']);
});

it('leave out what a cluster that was taken over does not say, because its code is of before', async () => {
  const [first] = world.fleet.clusters.all;
  const { rest, loopLag, heapBytes, cpuSeconds, ...old } = first?.stats() ?? ({} as never);
  if (first !== undefined) first.answers.getStats = () => old;
  const { values, value } = await scrape();
  expect(values('kallisti_rest_requests_total').every(({ labels }) => labels.cluster === '1')).toBe(true);
  expect(value('kallisti_cluster_guilds', { cluster: '0' })).toBe(2_000);
  expect([rest, loopLag, heapBytes, cpuSeconds]).not.toContain(undefined);
});
