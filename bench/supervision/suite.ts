import type { TrafficOptions } from 'kallisti/simulator';
import type { Row, Suite } from '../Suite.js';
import { Fleet } from '../sessions/Fleet.js';
import { control } from '../sessions/outages.js';
import { hungCluster } from './hungCluster.js';
import { manyWorkers } from './manyWorkers.js';
import { masterGone, masterRestarted } from './masterDeath.js';
import type { Outage } from './Outage.js';
import { twoCrashes } from './twoCrashes.js';

const SHARDS = 8;
const CLUSTERS = 4;
const LOAD: TrafficOptions = { commandsPerSecond: 50, mentionsPerSecond: 5, messagesPerSecond: 450 };

export const supervision: Suite = {
  name: 'supervision',
  about: `what is killed, hangs, or loses its master, and what users and Discord notice of it. 8 shards in 4 clusters, 256
guilds, one IDENTIFY every five seconds, interactions that fail after three; beside 50 commands 450 messages and five mentions
a second. HUNG_AFTER and ORPHAN_GRACE as they are by default. Then 100 workers that only echo, without Discord.`,
  async run(progress, { quick = false }) {
    const rows = await outages(progress, quick);
    return [...rows, ...(await manyWorkers(quick, progress))];
  },
};

async function outages(progress: (what: string) => void, quick: boolean): Promise<Row[]> {
  const identifyIntervalMs = quick ? 200 : 5_000;
  const hungAfterMs = quick ? 2_000 : 10_000;
  const orphanGraceMs = quick ? 6_000 : 30_000;
  progress('logging in');
  const fleet = await Fleet.start({
    discord: { guildCount: 256, shardCount: SHARDS, identifyIntervalMs },
    clusterCount: CLUSTERS,
    env: {
      ADMIN_PORT: '0',
      IDENTIFY_INTERVAL: `${identifyIntervalMs}ms`,
      HUNG_AFTER: `${hungAfterMs}ms`,
      ORPHAN_GRACE: `${orphanGraceMs}ms`,
    },
  });
  try {
    const outage: Outage = { fleet, load: LOAD, rounds: quick ? 1 : 3, hungAfterMs, orphanGraceMs };
    const rows: Row[] = [];
    for (const [what, measure] of [
      ['nothing happens', (): Promise<Row[]> => control(fleet, LOAD)],
      ['two clusters killed at once', twoCrashes],
      ['blocked event loop', hungCluster],
      ['master killed and started', masterRestarted],
      ['master killed', masterGone],
    ] as const) {
      progress(what);
      for (const row of await measure(outage)) rows.push({ ...row, what: `${what}: ${row.what}` });
    }
    return rows;
  } finally {
    await fleet.dispose();
  }
}
