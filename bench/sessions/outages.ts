import { setTimeout as sleep } from 'node:timers/promises';
import type { TrafficOptions } from 'kallisti/simulator';
import { spread } from '../measure.js';
import type { Row } from '../Suite.js';
import { Fleet } from './Fleet.js';
import { costRows, one, row } from './rows.js';

const SHARDS = 8;
const CLUSTERS = 4;
const CRASHES_OF_ONE = 10;
const BETWEEN_CRASHES_MS = 12_000;
/** Of what a machine that does something else can spoil. */
const ROUNDS = 3;

/** Everything that ends processes, one after the other, on one bot under one load. */
export async function outages(
  commandsPerSecond: number,
  quick: boolean,
  progress: (what: string) => void,
): Promise<readonly Row[]> {
  const load: TrafficOptions = { commandsPerSecond, mentionsPerSecond: 5, messagesPerSecond: 450 };
  const identifyIntervalMs = quick ? 200 : 5_000;
  progress('logging in');
  const fleet = await Fleet.start({
    discord: { guildCount: 256, shardCount: SHARDS, identifyIntervalMs },
    clusterCount: CLUSTERS,
    env: { IDENTIFY_INTERVAL: `${identifyIntervalMs}ms` },
  });
  const title = (what: string): string => `${what}, ${commandsPerSecond} commands/s`;
  try {
    const rows: Row[] = [];
    for (const [what, measure] of [
      ['nothing happens', control],
      ['rolling restart', rollingRestart],
      ['kill -9 of a cluster', crash],
      ...(quick ? [] : ([['10 kills of one cluster', crashes]] as const)),
      ['SIGTERM and start', stopAndStart],
    ] as const) {
      progress(title(what));
      for (const row of await measure(fleet, load, quick ? 1 : ROUNDS))
        rows.push({ ...row, what: title(`${what}: ${row.what}`) });
    }
    return rows;
  } finally {
    await fleet.dispose();
  }
}

/** What the machine does to users without any outage: where this is not 0, the rest says nothing. */
export async function control(fleet: Fleet, load: TrafficOptions): Promise<Row[]> {
  const cost = await fleet.underLoad(load, () => sleep(3_000));
  return [
    row(`commands failed, of ${cost.commands}`, '', one(cost.commandsFailed)),
    row('longest wait for an answer', 'ms', one(cost.longestWaitMs)),
  ];
}

async function rollingRestart(fleet: Fleet, load: TrafficOptions, rounds: number): Promise<Row[]> {
  const times: number[] = [];
  const since = Date.now();
  const cost = await fleet.underLoad(load, async () => {
    for (let round = 0; round < rounds; round++) {
      const startedAt = performance.now();
      const text = await fleet.discord.ask.restart();
      if (!text.startsWith(`Restarted ${CLUSTERS} of`)) throw new Error(`it failed: ${text}`);
      times.push((performance.now() - startedAt) / 1_000);
    }
  });
  const pauses = (await fleet.discord.ask.passagesSince(since)).map(({ pauseMs }) => pauseMs);
  return [
    ...costRows(cost, true),
    row('all clusters replaced after', 's', spread(times), 10),
    row('pause of a shard', 'ms', spread(pauses), 300),
    row('longest wait for an answer', 'ms', one(cost.longestWaitMs)),
  ];
}

/** Of three clusters in turn: the first crash of each. */
async function crash(fleet: Fleet, load: TrafficOptions): Promise<Row[]> {
  const times: number[] = [];
  const cost = await fleet.underLoad(load, async () => {
    for (let clusterId = 1; clusterId < CLUSTERS; clusterId++) {
      await fleet.untilSpareWaits();
      times.push(await fleet.crash(clusterId));
      await sleep(1_000);
    }
  });
  return [...costRows(cost, false), row('served again after', 's', spread(times.map((ms) => ms / 1_000)), 0.5)];
}

async function crashes(fleet: Fleet, load: TrafficOptions): Promise<Row[]> {
  const times: number[] = [];
  const startedAt = performance.now();
  const cost = await fleet.underLoad(load, async () => {
    for (let crash = 0; crash < CRASHES_OF_ONE; crash++) {
      const due = startedAt + crash * BETWEEN_CRASHES_MS;
      await sleep(Math.max(0, due - performance.now()));
      times.push(await fleet.crash(0));
    }
  });
  return [
    row('back', 'times', one(times.length), CRASHES_OF_ONE, 'at least'),
    row('IDENTIFYs', '', one(cost.identifies), 0),
    row('over', 's', one((performance.now() - startedAt) / 1_000), 125),
    row('served again after', 's', spread(times.map((ms) => ms / 1_000))),
    row('commands failed', '', one(cost.commandsFailed)),
    row('mentions unanswered', '', one(cost.mentionsUnanswered), 0),
  ];
}

async function stopAndStart(fleet: Fleet, load: TrafficOptions, rounds: number): Promise<Row[]> {
  const stops: number[] = [];
  const times: number[] = [];
  const cost = await fleet.underLoad(load, async () => {
    for (let round = 0; round < rounds; round++) {
      const at = Date.now();
      await fleet.bot.stop();
      stops.push((Date.now() - at) / 1_000);
      const from = fleet.bot.lines.length;
      fleet.bot.start();
      times.push(((await fleet.untilServed(fleet.allShards, at)) - at) / 1_000);
      await fleet.bot.untilReady(from);
      await sleep(1_000);
    }
  });
  return [
    ...costRows(cost, true),
    row('stopped after', 's', spread(stops), 1),
    row('served again, from the SIGTERM', 's', spread(times), 3),
  ];
}
