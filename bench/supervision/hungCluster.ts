import { setTimeout as sleep } from 'node:timers/promises';
import { hasEnded } from '../hasEnded.js';
import { spread } from '../measure.js';
import type { Row } from '../Suite.js';
import { one, row } from '../sessions/rows.js';
import { until } from '../sessions/until.js';
import type { Outage } from './Outage.js';

/** After the answer to the command that does it, in milliseconds: that command is not to be one that fails. */
const BLOCKS_AFTER_MS = 300;
/** Says when the event loop of the cluster that runs it will stand still, for ever. */
const BLOCK = `(setTimeout(() => { for (;;); }, ${BLOCKS_AFTER_MS}), Date.now() + ${BLOCKS_AFTER_MS})`;
const TIMESTAMP = /\d{13}/;

/** Of two clusters in turn. */
export async function hungCluster({ fleet, load, rounds, hungAfterMs }: Outage): Promise<Row[]> {
  const { ask } = fleet.discord;
  const killedAfter: number[] = [];
  const servedAfter: number[] = [];
  const victims = Array.from({ length: Math.min(2, rounds) }, (_, index) => index * 2 + 1);
  const since = Date.now();
  const cost = await fleet.underLoad(load, async () => {
    for (const clusterId of victims) {
      const shardIds = fleet.shardsOf(clusterId);
      const pid = fleet.bot.clusterPid(clusterId);
      const text = await ask.evaluate(shardIds[0] ?? 0, BLOCK);
      const blockedAt = Number(TIMESTAMP.exec(text)?.[0]);
      if (Number.isNaN(blockedAt)) throw new Error(`the cluster was not blocked: ${text}`);
      await until(() => hasEnded(pid));
      const killedAt = Date.now();
      killedAfter.push(killedAt - blockedAt);
      servedAfter.push((await fleet.untilServed(shardIds, killedAt)) - killedAt);
      await until(() => fleet.bot.clusterPid(clusterId) !== pid);
      await sleep(1_000);
    }
  });
  const others = fleet.allShards.filter((shardId) => !victims.some((id) => fleet.shardsOf(id).includes(shardId)));
  const elsewhere = await ask.outcomeSince(since, others);
  const seconds = (values: readonly number[]) => spread(values.map((ms) => ms / 1_000));
  return [
    row('killed after', 's', seconds(killedAfter), hungAfterMs / 1_000 + 1),
    row('served again, from the kill', 's', seconds(servedAfter), 1.5),
    row('IDENTIFYs', '', one(cost.identifies), 0),
    row('two owners of a shard', '', one(cost.overlaps), 0),
    row(`commands failed, of ${elsewhere.commands} to clusters that do not hang`, '', one(elsewhere.commandsFailed), 0),
    {
      ...row(`commands failed, of all ${cost.commands}`, '', one(cost.commandsFailed)),
      note: `Discord's three seconds are over before HUNG_AFTER (${hungAfterMs / 1_000} s) is`,
    },
    row(`mentions unanswered, of all ${cost.mentions}`, '', one(cost.mentionsUnanswered), 0),
  ];
}
