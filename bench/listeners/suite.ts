import type { Row, Suite } from '../Suite.js';
import { endings } from './endings.js';
import { outages } from './outages.js';

/** The two that differ most come first. */
const ORDER = ['eris', 'discord.js', 'oceanic.js', 'dysnomia'] as const;

export const listeners: Suite = {
  name: 'listeners',
  about: `what becomes of the work of a bot's own listeners when its processes end. The bots of examples/ wait 400 ms and reply; 100
messages a second ask them to, in 256 channels, beside 20 commands a second. 8 shards in 4 clusters, one IDENTIFY a second. Discord's
limits hold for each channel; the one for all together is 1000 requests a second here, since 50, as at Discord, would be what is
measured. Then a bot on eris whose listeners end its process, with 20 such messages a second beside them.`,
  async run(progress, { quick = false }) {
    const rows: Row[] = [];
    for (const client of quick ? ORDER.slice(0, 2) : ORDER) rows.push(...(await outages(client, quick, progress)));
    return [...rows, ...(await endings(quick, progress))];
  },
};
