import type { Row, Suite } from '../Suite.js';
import { largeShards } from './largeShards.js';
import { outages } from './outages.js';
import { storeCost } from './storeCost.js';

export const sessions: Suite = {
  name: 'sessions',
  about: `processes that end, and what users and Discord notice of it. 8 shards in 4 clusters, 256 guilds, one IDENTIFY every
five seconds, interactions that fail after three; beside the commands 450 messages and five mentions a second. Then two
shards of 1000 guilds with 40 channels, 30 roles and 50 members; and what the store costs.`,
  async run(progress, { quick = false }) {
    const rows: Row[] = [];
    for (const rate of [50, 300]) rows.push(...(await outages(rate, quick, progress)));
    rows.push(...(await largeShards(quick, progress)), ...(await storeCost(quick, progress)));
    return rows;
  },
};
