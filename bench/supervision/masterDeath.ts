import { setTimeout as sleep } from 'node:timers/promises';
import { hasEnded } from '../hasEnded.js';
import { spread } from '../measure.js';
import type { Row } from '../Suite.js';
import type { Fleet } from '../sessions/Fleet.js';
import { costRows, one, row } from '../sessions/rows.js';
import { until } from '../sessions/until.js';
import type { Outage } from './Outage.js';

/** SIGKILL, and started again at once, a few times: nobody should notice anything at all. */
export async function masterRestarted({ fleet, load, rounds }: Outage): Promise<Row[]> {
  const { bot, discord } = fleet;
  const pids = clusterPids(fleet);
  const times: number[] = [];
  let takenOver = 0;
  const before = await discord.ask.summary();
  const cost = await fleet.underLoad(load, async () => {
    for (let round = 0; round < rounds; round++) {
      const from = bot.lines.length;
      const at = Date.now();
      await bot.kill();
      bot.start();
      const { clusters } = await bot.untilLogged(/^took over \d+ running clusters/, from);
      times.push((Date.now() - at) / 1_000);
      takenOver += Array.isArray(clusters) ? clusters.length : 0;
      await bot.untilReady(from);
      await sleep(1_000);
    }
  });
  const after = await discord.ask.summary();
  const still = pids.filter((pid) => !hasEnded(pid)).length;
  return [
    ...costRows(cost, true),
    row('RESUMEs', '', one(after.resumes - before.resumes), 0),
    row('cluster processes that are still the same', '', one(still), pids.length, 'at least'),
    row('clusters taken over', '', one(takenOver), pids.length * rounds, 'at least'),
    row('taken over, from the SIGKILL', 's', spread(times), 2),
  ];
}

/** Before the grace is over, in milliseconds: no command may come so late that nobody is there for it. */
const QUIET_MS = 4_000;
/** From the end of the grace: what a cluster may take to close its sessions and end, in milliseconds. */
const ENDING_MS = 2_000;

/** SIGKILL, and nobody starts it again until all is gone. */
export async function masterGone({ fleet, load, orphanGraceMs }: Outage): Promise<Row[]> {
  const { bot, discord } = fleet;
  const pids = clusterPids(fleet);
  const before = await discord.ask.summary();
  let killedAt = 0;
  const orphaned = await fleet.underLoad(load, async () => {
    await bot.kill();
    killedAt = Date.now();
    await sleep(orphanGraceMs - QUIET_MS);
  });
  const goneAfter = await Promise.all(
    pids.map(async (pid) => {
      await until(() => hasEnded(pid));
      return (Date.now() - killedAt) / 1_000;
    }),
  );
  const alone = await discord.ask.summary();
  const from = bot.lines.length;
  const startedAt = Date.now();
  bot.start();
  await bot.untilReady(from);
  const readyAfter = (Date.now() - startedAt) / 1_000;
  const resumed = await fleet.underLoad(load, () => sleep(1_000));
  const after = await discord.ask.summary();
  const graceSeconds = orphanGraceMs / 1_000;
  const served = Math.round((orphanGraceMs - QUIET_MS) / 1_000) + 1;
  return [
    row(
      `without a master for ${served} s: commands failed, of ${orphaned.commands}`,
      '',
      one(orphaned.commandsFailed),
      0,
    ),
    row(
      'without a master: commands and mentions answered twice',
      '',
      one(orphaned.commandsTwice + orphaned.mentionsTwice),
      0,
    ),
    row('first cluster gone after', 's', one(Math.min(...goneAfter)), graceSeconds, 'at least'),
    row('last cluster gone after', 's', one(Math.max(...goneAfter)), graceSeconds + ENDING_MS / 1_000),
    row('connections to Discord then', '', one(alone.connectionsOpen), 0),
    row('started later: all shards ready after', 's', one(readyAfter), 3),
    row('started later: shards resumed', '', one(after.resumes - before.resumes), fleet.allShards.length, 'at least'),
    row(`started later: commands failed, of ${resumed.commands}`, '', one(resumed.commandsFailed), 0),
    row('IDENTIFYs', '', one(after.identifies - before.identifies), 0),
    row('two owners of a shard', '', one(after.overlaps - before.overlaps), 0),
  ];
}

function clusterPids({ bot, clusterIds }: Fleet): readonly number[] {
  return clusterIds.map((clusterId) => bot.clusterPid(clusterId));
}
