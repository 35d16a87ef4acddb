import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Row } from '../Suite.js';
import type { DiscordStart, LostSession } from '../sessions/discordMethods.js';
import { Fleet } from '../sessions/Fleet.js';
import { one, row } from '../sessions/rows.js';
import { until } from '../sessions/until.js';
import { thoughtRows, underThoughts } from './thinking.js';

export const SHARDS = 8;
export const CLUSTERS = 4;
export const IDENTIFY_INTERVAL_MS = 1_000;
export const DISCORD: DiscordStart = {
  guildCount: 256,
  shardCount: SHARDS,
  identifyIntervalMs: IDENTIFY_INTERVAL_MS,
  globalRequestsPerSecond: 1_000,
  // Commands are not what is measured: one that starts a restart is not to fail because the machine is busy.
  interactionDeadlineMs: 20_000,
};
/** Of all shards. */
const PER_SECOND = 100;
/** So that much of what is open at a kill has been acknowledged by a heartbeat. */
const TRIMMING = { trimReplayOnHeartbeat: true, heartbeatIntervalMs: 1_000 };

/** Each with its folder of `examples/`. */
const FOLDERS = { eris: 'eris', 'discord.js': 'discordjs', 'oceanic.js': 'oceanic', dysnomia: 'dysnomia' } as const;
type Client = keyof typeof FOLDERS;
type Measure = (fleet: Fleet, rounds: number) => Promise<Row[]>;

/** The bot of `examples/` on this client library, and all that ends its processes. */
export async function outages(client: Client, quick: boolean, progress: (what: string) => void): Promise<Row[]> {
  const rounds = quick ? 1 : 3;
  const rows: Row[] = [];
  for (const [options, measures] of [
    [
      DISCORD,
      [
        ['nothing happens', control],
        ['rolling restart', rollingRestart],
        ['SIGTERM and start', stopAndStart],
        ['kill -9', kills],
        ['kill -9, session refused', refusedKills],
      ],
    ],
    [{ ...DISCORD, ...TRIMMING }, [['kill -9, replay trimmed by heartbeats', kills]]],
  ] as const satisfies readonly (readonly [DiscordStart, readonly (readonly [string, Measure])[]])[]) {
    progress(`${client}: logging in`);
    const fleet = await Fleet.start({
      discord: options,
      clusterCount: CLUSTERS,
      env: { ADMIN_PORT: '0', IDENTIFY_INTERVAL: `${IDENTIFY_INTERVAL_MS}ms` },
      entry: exampleOf(client),
    });
    try {
      for (const [what, measure] of measures) {
        progress(`${client}: ${what}`);
        for (const row of await measure(fleet, rounds)) rows.push({ ...row, what: `${client}: ${what}: ${row.what}` });
      }
    } finally {
      await fleet.dispose();
    }
  }
  return rows;
}

function exampleOf(client: Client): string {
  return fileURLToPath(new URL(`../../examples/${FOLDERS[client]}/master.js`, import.meta.resolve('kallisti')));
}

async function control(fleet: Fleet): Promise<Row[]> {
  const cost = await underThoughts(fleet, PER_SECOND, () => sleep(2_000));
  return [...thoughtRows(cost), row('longest wait for an answer', 'ms', one(cost.longestWaitMs))];
}

async function rollingRestart(fleet: Fleet, rounds: number): Promise<Row[]> {
  const cost = await underThoughts(fleet, PER_SECOND, async () => {
    for (let round = 0; round < rounds; round++) {
      const text = await fleet.discord.ask.restart();
      if (!text.startsWith(`Restarted ${CLUSTERS} of`)) throw new Error(`it failed: ${text}`);
    }
    return undefined;
  });
  return thoughtRows(cost);
}

async function stopAndStart(fleet: Fleet, rounds: number): Promise<Row[]> {
  const cost = await underThoughts(fleet, PER_SECOND, async () => {
    for (let round = 0; round < rounds; round++) {
      await fleet.bot.stop();
      const from = fleet.bot.lines.length;
      fleet.bot.start();
      await fleet.bot.untilReady(from);
      await sleep(1_000);
    }
    return undefined;
  });
  return thoughtRows(cost);
}

/** Of other clusters in turn. */
async function kills(fleet: Fleet, rounds: number): Promise<Row[]> {
  const cost = await underThoughts(fleet, PER_SECOND, async () => {
    for (let clusterId = 1; clusterId <= rounds; clusterId++) {
      await fleet.crash(clusterId);
      await sleep(1_000);
    }
    return undefined;
  });
  return thoughtRows(cost);
}

/** Discord ends the sessions of the killed process: what was sent meanwhile is gone, and what had begun must not be. */
async function refusedKills(fleet: Fleet, rounds: number): Promise<Row[]> {
  const lostSessions: LostSession[] = [];
  const cost = await underThoughts(fleet, PER_SECOND, async () => {
    for (let clusterId = 1; clusterId <= rounds; clusterId++) {
      const shardIds = fleet.shardsOf(clusterId);
      await fleet.discord.ask.refuseResume(shardIds);
      const victim = fleet.bot.clusterPid(clusterId);
      const killedAt = Date.now();
      process.kill(victim, 'SIGKILL');
      lostSessions.push(...shardIds.map((shardId) => ({ shardId, killedAt })));
      await until(() => fleet.bot.clusterPid(clusterId) !== victim);
      await sleep(1_000);
    }
    return lostSessions;
  });
  const [lost, ...others] = thoughtRows(cost, lostSessions.length);
  const before = [...cost.lostBeforeKillMs].sort((left, right) => left - right).map((ms) => Math.round(ms));
  const came = before.length === 0 ? '' : `; those lost came ${before.join(', ')} ms before the kill`;
  const note = `what reached a process counts; ${cost.neverBegun} more reached none, for their session had ended${came}`;
  if (lost === undefined) return [];
  return [{ ...lost, note: lost.note === undefined ? note : `${note}; ${lost.note}` }, ...others];
}
