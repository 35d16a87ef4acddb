import { expect, it } from 'vitest';
import type { ClusterStats, FleetStats } from '../../../src/core/contracts/ClusterContract.js';
import { StatusReporter } from '../../../src/master/fleet/StatusReporter.js';
import { memoryLogger } from '../../support/memoryLogger.js';

/** What the status line says of two clusters whose commands took this long. */
async function lineOf(...p99s: (number | null)[]): Promise<string | undefined> {
  const lines: string[] = [];
  const clusters = p99s.map((p99) => ({
    guilds: 4,
    commands: 0,
    commandLatencyMs: p99 === null ? null : { p50: 1, p99 },
  })) as ClusterStats[];
  const fleet = { shardCount: 0, clusters } as unknown as FleetStats;
  const reporter = new StatusReporter(
    { set: (line) => void lines.push(line ?? ''), clear: () => undefined },
    { alive: [], shardCount: 0 },
    { stats: async () => fleet },
    memoryLogger().logger,
  );
  reporter.start();
  await reporter.stop();
  return lines[0];
}

it('tells the p99 of the slowest cluster', async () => {
  expect(await lineOf(12, null, 155.2)).toMatch(/ · latency p99 155 ms$/);
});

it('tells no p99 where no command was answered lately', async () => {
  expect(await lineOf(null, null)).toMatch(/ · commands 0$/);
});
