import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BotProcess } from '../sessions/BotProcess.js';
import { Discord } from '../sessions/Discord.js';
import { cpuMs, proportionalMb } from './processFigures.js';

/** What a number is of: of the whole bot, which may grow as the bot does; or of each part of it, which may not grow. */
export type Extent = 'whole' | 'each';

export interface Figure {
  readonly what: string;
  readonly unit: string;
  readonly extent: Extent;
  readonly values: readonly number[];
  /** At most, whatever the size. */
  readonly limit?: number;
}

export const SHARDS_OF_CLUSTER = 16;
export const GUILDS_OF_SHARD = 4;
export const MAX_CONCURRENCY = 64;
export const IDENTIFY_INTERVAL_MS = 200;
/** The machine decides how long so many processes take, and none of it is what is measured. */
const PATIENCE_MS = 900_000;
/** After everything has arrived, so that what was only needed for the start is not taken for rest. */
const SETTLE_MS = 10_000;
const SLICE_MS = 10_000;
/** The master collects a status at most once a second. */
const BETWEEN_POLLS_MS = 1_050;
/** No cluster knows them: each is asked, and answers with null. */
const NOBODY = '123456789012345678';

interface Rounds {
  readonly rest: number;
  readonly polls: number;
  readonly requests: number;
}

/** One bot of this size from its start to its end, and nothing else beside it. */
export async function measureFleet(
  clusterCount: number,
  quick: boolean,
  progress: (what: string) => void,
): Promise<readonly Figure[]> {
  const rounds: Rounds = quick ? { rest: 1, polls: 5, requests: 100 } : { rest: 3, polls: 20, requests: 300 };
  const shardCount = clusterCount * SHARDS_OF_CLUSTER;
  const discord = await Discord.start({
    ...{ guildCount: shardCount * GUILDS_OF_SHARD, shardCount, maxConcurrency: MAX_CONCURRENCY },
    ...{
      identifyIntervalMs: IDENTIFY_INTERVAL_MS,
      sessionStartLimit: { total: 10_000 },
      interactionDeadlineMs: 60_000,
    },
  });
  const bot = new BotProcess(discord, {
    ...{ CLUSTER_COUNT: String(clusterCount), SPARE_CLUSTERS: '0', SPAWN_TIMEOUT: `${PATIENCE_MS}ms` },
    ...{ ADMIN_PORT: '0', IDENTIFY_INTERVAL: `${IDENTIFY_INTERVAL_MS}ms` },
  });
  try {
    progress('start');
    const started = await timed(async () => {
      bot.start();
      await bot.untilReady(0, PATIENCE_MS);
    });
    const startCpuMs = cpuMs(bot.pid);
    const windowsMs = (Math.ceil(shardCount / MAX_CONCURRENCY) - 1) * IDENTIFY_INTERVAL_MS;
    progress('rest');
    await sleep(SETTLE_MS);
    const pids = Array.from({ length: clusterCount }, (_, id) => bot.clusterPid(id));
    const clustersCpuMs = (): number => sum(pids.map(cpuMs));
    const atRest: number[] = [];
    const clustersAtRest: number[] = [];
    for (let slice = 0; slice < rounds.rest; slice++) {
      const [before, clustersBefore] = [cpuMs(bot.pid), clustersCpuMs()];
      const elapsedMs = await timed(() => sleep(SLICE_MS));
      atRest.push((cpuMs(bot.pid) - before) / elapsedMs);
      clustersAtRest.push((clustersCpuMs() - clustersBefore) / elapsedMs / clusterCount);
    }
    const restShare = sum(atRest) / atRest.length;
    const clusters = pids.map(proportionalMb);
    const masterMb = proportionalMb(bot.pid);
    progress('requests');
    const get = adminOf(bot);
    const cpuOfEach = async (count: number, path: string, pauseMs: number): Promise<readonly number[]> => {
      const costs: number[] = [];
      // In the first ones everything is compiled.
      for (let round = -Math.ceil(count / 5); round < count; round++) {
        const before = cpuMs(bot.pid);
        const elapsedMs = await timed(() => get(path));
        if (round >= 0) costs.push(cpuMs(bot.pid) - before - restShare * elapsedMs);
        await sleep(pauseMs);
      }
      return costs;
    };
    const requestsCpuMs = await cpuOfEach(rounds.requests, `/api/find/user/${NOBODY}`, 0);
    const pollsCpuMs = await cpuOfEach(rounds.polls, '/api/status', BETWEEN_POLLS_MS);
    progress('rolling restart');
    const beforeRestart = cpuMs(bot.pid);
    const restartMs = await timed(async () => {
      const text = await discord.ask.restart();
      if (!text.startsWith(`Restarted ${clusterCount} of`)) throw new Error(`it failed: ${text}`);
    });
    const restartCpuMs = cpuMs(bot.pid) - beforeRestart - restShare * restartMs;
    const { identifies, violations } = await discord.ask.summary();
    return [
      figure('cold start, beyond the windows', 's', 'whole', [(started - windowsMs) / 1_000]),
      figure("master's CPU of the cold start", 'ms', 'whole', [startCpuMs]),
      {
        ...figure(
          "master's CPU at rest",
          '% of a core',
          'whole',
          atRest.map((share) => share * 100),
        ),
        limit: 5,
      },
      figure(
        'CPU of a cluster at rest',
        '% of a core',
        'each',
        clustersAtRest.map((share) => share * 100),
      ),
      figure("master's CPU of a request to all clusters", 'ms', 'whole', requestsCpuMs),
      figure("master's CPU of a poll of the status", 'ms', 'whole', pollsCpuMs),
      figure("master's memory", 'MB', 'whole', [masterMb]),
      figure('memory of a shard', 'MB', 'each', [sum(clusters) / shardCount]),
      figure('memory of a cluster', 'MB', 'each', clusters),
      figure('rolling restart, for each cluster', 's', 'each', [restartMs / 1_000 / clusterCount]),
      figure("master's CPU of the rolling restart, for each cluster", 'ms', 'each', [restartCpuMs / clusterCount]),
      { ...figure('IDENTIFYs beyond one a shard', '', 'whole', [identifies - shardCount]), limit: 0 },
      { ...figure("breaches of Discord's rules", '', 'whole', [violations]), limit: 0 },
    ];
  } finally {
    progress('end');
    await bot.dispose();
    await discord.stop();
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function figure(what: string, unit: string, extent: Extent, values: readonly number[]): Figure {
  return { what, unit, extent, values };
}

async function timed(act: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await act();
  return performance.now() - startedAt;
}

/** @returns what asks the admin API as `kallisti status` does. */
function adminOf({ dataDir }: BotProcess): (path: string) => Promise<void> {
  const { url } = JSON.parse(readFileSync(join(dataDir, 'admin.json'), 'utf8')) as { readonly url: string };
  const headers = { authorization: `Bearer ${readFileSync(join(dataDir, 'admin-token'), 'utf8').trim()}` };
  return async (path) => {
    const response = await fetch(url + path, { headers });
    const text = await response.text();
    if (!response.ok) throw new Error(`GET ${path}: ${response.status} ${text}`);
  };
}
