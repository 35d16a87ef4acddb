import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { spread } from '../measure.js';
import type { Row, Suite } from '../Suite.js';
import { BotProcess } from '../sessions/BotProcess.js';
import { Discord } from '../sessions/Discord.js';

const BARE = fileURLToPath(new URL('programs/bareEris.js', import.meta.url));
const GUILDS = { guildCount: 1_000, shardCount: 1, identifyIntervalMs: 50 };
/** After everything has arrived, so that what was only needed for the start can be given back. */
const REST_MS = 5_000;

/** Resident memory of a process, in MB. */
function residentMb(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes) / 1024;
}

async function measureOurs(): Promise<{ readonly master: number; readonly cluster: number }> {
  const discord = await Discord.start(GUILDS);
  const bot = new BotProcess(discord, { CLUSTER_COUNT: '1', ADMIN_PORT: '0', IDENTIFY_INTERVAL: '50ms' });
  bot.start();
  await bot.untilReady();
  await sleep(REST_MS);
  const result = { master: residentMb(bot.pid), cluster: residentMb(bot.clusterPid(0)) };
  await bot.dispose();
  await discord.stop();
  return result;
}

async function measureBare(): Promise<number> {
  const discord = await Discord.start(GUILDS);
  const child = spawn(process.execPath, [BARE, discord.facts.token, discord.facts.url], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  await sleep(REST_MS);
  const result = residentMb(child.pid ?? 0);
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
  await discord.stop();
  return result;
}

export const memory: Suite = {
  name: 'memory',
  about: `Resident memory with ${GUILDS.guildCount} guilds on one shard, ${REST_MS / 1000} s after all are there: our cluster against a process that only loads eris and the same guilds.`,
  async run(progress, { quick = false }) {
    const master: number[] = [];
    const cluster: number[] = [];
    const bare: number[] = [];
    for (let round = 0; round < (quick ? 1 : 3); round++) {
      progress(`round ${round + 1}`);
      const ours = await measureOurs();
      master.push(ours.master);
      cluster.push(ours.cluster);
      bare.push(await measureBare());
    }
    const extra = cluster.map((megabytes, round) => megabytes - (bare[round] ?? Number.NaN));
    const rows: readonly Row[] = [
      { what: 'cluster', unit: 'MB', ours: spread(cluster), reference: spread(bare) },
      {
        what: 'cluster, over a process with only eris',
        unit: 'MB',
        ours: spread(extra),
        target: { is: 'at most', value: 15, of: 'ours' },
      },
      { what: 'idle master', unit: 'MB', ours: spread(master), target: { is: 'at most', value: 90, of: 'ours' } },
    ];
    return rows;
  },
};
