import { setTimeout as sleep } from 'node:timers/promises';
import { spread } from '../measure.js';
import type { Row } from '../Suite.js';
import { costRows, row } from '../sessions/rows.js';
import type { Outage } from './Outage.js';

/** Another pair each time; four clusters have two neighbours in a ring. */
const CLUSTERS = 4;
/** A cluster that has served for less is part of a crash loop to the supervisor, and waits. */
const SOUND_LIFE_MS = 6_000;

export async function twoCrashes({ fleet, load, rounds }: Outage): Promise<Row[]> {
  const times: number[] = [];
  const cost = await fleet.underLoad(load, async () => {
    for (let round = 0; round < rounds; round++) {
      if (round > 0) await sleep(SOUND_LIFE_MS);
      const victims = [round % CLUSTERS, (round + 1) % CLUSTERS];
      times.push(...(await Promise.all(victims.map((clusterId) => fleet.crash(clusterId)))));
    }
  });
  return [...costRows(cost, false), row('served again after', 's', spread(times.map((ms) => ms / 1_000)), 2)];
}
