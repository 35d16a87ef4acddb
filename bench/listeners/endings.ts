import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { hasEnded } from '../hasEnded.js';
import { spread } from '../measure.js';
import type { Row } from '../Suite.js';
import { Fleet } from '../sessions/Fleet.js';
import { one, row } from '../sessions/rows.js';
import { until } from '../sessions/until.js';
import { CLUSTERS, DISCORD, IDENTIFY_INTERVAL_MS } from './outages.js';
import { thoughtRows, underThoughts } from './thinking.js';

const ENTRY = fileURLToPath(new URL('programs/master.js', import.meta.url));
const PER_SECOND = 20;
/** Often enough to see when a shard is served again. */
const LOAD = { commandsPerSecond: 100 };
/** From the end of a process until its shards are served again, with a spare, in seconds. */
const SERVED_AFTER_S = 0.2;
const BETWEEN_KILLS_MS = 1_000;

interface Ending {
  readonly content: string;
  readonly what: string;
  /** From the message on; undefined: it depends on how fast the process ends. */
  readonly servedAfterS?: number;
  /** Longer than a successor would take to end of the same. */
  readonly watchMs: number;
}

/** A bot whose listeners end its process, and one that somebody kills again and again. */
export async function endings(quick: boolean, progress: (what: string) => void): Promise<Row[]> {
  const hungAfterMs = quick ? 2_000 : 10_000;
  progress('eris: logging in');
  const fleet = await Fleet.start({
    discord: DISCORD,
    clusterCount: CLUSTERS,
    env: {
      ADMIN_PORT: '0',
      IDENTIFY_INTERVAL: `${IDENTIFY_INTERVAL_MS}ms`,
      HUNG_AFTER: `${hungAfterMs}ms`,
      CLUSTER_MEMORY_MB: '128',
    },
    entry: ENTRY,
  });
  const blocked = { servedAfterS: (hungAfterMs + 300) / 1_000, watchMs: hungAfterMs + 2_000 };
  try {
    const rows: Row[] = [];
    for (const [what, measure] of [
      ...(
        [
          { content: '!block', what: 'blocks for ever', ...blocked },
          { content: '!exit', what: 'exits', watchMs: 3_000 },
          { content: '!eat', what: 'eats the heap', watchMs: 6_000 },
        ] satisfies readonly Ending[]
      ).map((ending) => [`a listener ${ending.what}`, () => ended(fleet, ending, quick ? 1 : 3)] as const),
      [`${quick ? 5 : 30} kills of one cluster`, () => killedAgainAndAgain(fleet, quick ? 5 : 30)] as const,
    ]) {
      progress(`eris: ${what}`);
      for (const row of await measure()) rows.push({ ...row, what: `eris: ${what}: ${row.what}` });
    }
    return rows;
  } finally {
    await fleet.dispose();
  }
}

/** Of other clusters in turn. */
async function ended(fleet: Fleet, { content, servedAfterS, watchMs }: Ending, rounds: number): Promise<Row[]> {
  const { bot, discord } = fleet;
  const endedAfter: number[] = [];
  const servedAfter: number[] = [];
  const deaths: number[] = [];
  const act = async (): Promise<undefined> => {
    for (let clusterId = 1; clusterId <= rounds; clusterId++) {
      await fleet.untilSpareWaits();
      const shardIds = fleet.shardsOf(clusterId);
      const victim = bot.clusterPid(clusterId);
      const from = bot.lines.length;
      const at = Date.now();
      await discord.ask.say(shardIds[0] ?? 0, content);
      await until(() => hasEnded(victim));
      const endedAt = Date.now();
      const servedAt = await fleet.untilServed(shardIds, endedAt);
      await until(() => bot.clusterPid(clusterId) !== victim);
      endedAfter.push((endedAt - at) / 1_000);
      servedAfter.push((servedAt - (servedAfterS === undefined ? endedAt : at)) / 1_000);
      await sleep(watchMs);
      const isDeath = new RegExp(`^cluster ${clusterId} (was killed|exited|ran out|did not start)`);
      deaths.push(bot.lines.slice(from).filter(({ msg }) => isDeath.test(msg)).length);
    }
  };
  const cost = await underThoughts(fleet, PER_SECOND, act, LOAD);
  return [
    row('processes that it ends', '', one(Math.max(...deaths)), 1),
    row('ended after', 's', spread(endedAfter)),
    servedAfterS === undefined
      ? row('served again, from its end', 's', spread(servedAfter), SERVED_AFTER_S)
      : row('served again, from the message', 's', spread(servedAfter), servedAfterS),
    ...thoughtRows(cost),
  ];
}

/** One second after it has served each time: it never counts as sound. */
async function killedAgainAndAgain(fleet: Fleet, kills: number): Promise<Row[]> {
  const times: number[] = [];
  const act = async (): Promise<undefined> => {
    for (let kill = 0; kill < kills; kill++) {
      times.push((await fleet.crash(0)) / 1_000);
      await sleep(BETWEEN_KILLS_MS);
    }
  };
  const cost = await underThoughts(fleet, PER_SECOND, act, LOAD);
  return [
    row('back', 'times', one(times.length), kills, 'at least'),
    row('served again after', 's', spread(times)),
    row('served again after, the longest', 's', one(Math.max(...times)), 4),
    ...thoughtRows(cost),
  ];
}
