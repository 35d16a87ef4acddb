import { median, spread } from '../measure.js';
import type { Row, Suite } from '../Suite.js';
import {
  type Figure,
  GUILDS_OF_SHARD,
  IDENTIFY_INTERVAL_MS,
  MAX_CONCURRENCY,
  measureFleet,
  SHARDS_OF_CLUSTER,
} from './measureFleet.js';

const SIZES = [4, 16, 64] as const;
/** What belongs to each part may grow by this much: what a busy machine adds, rather than a law. */
const EACH_GROWS_BY = 1.25;

export const scale: Suite = {
  name: 'scale',
  about: `bots of ${SIZES.join(', ')} clusters with ${SHARDS_OF_CLUSTER} shards each, and ${GUILDS_OF_SHARD} guilds a shard, one bot after the other. Discord
admits ${MAX_CONCURRENCY} shards every ${IDENTIFY_INTERVAL_MS} ms here: with its own windows a start would be nothing but waiting. No spares. Memory counts a page that
processes share once. Where there is a reference, it is the next smaller bot: what is of the whole bot may grow as the clusters
do, and what is of each part of it may not.`,
  async run(progress, { quick = false }) {
    const rows: Row[] = [];
    let smaller: { readonly clusters: number; readonly figures: readonly Figure[] } | undefined;
    for (const clusters of quick ? SIZES.slice(0, 2) : SIZES) {
      const figures = await measureFleet(clusters, quick, (what) => progress(`${clusters} clusters: ${what}`));
      rows.push(...figures.map((figure) => rowOf(figure, clusters)));
      if (smaller !== undefined) rows.push(...growthRows(smaller.figures, figures, smaller.clusters, clusters));
      smaller = { clusters, figures };
    }
    return rows;
  },
};

function rowOf({ what, unit, values, limit }: Figure, clusters: number): Row {
  return {
    what: `${clusters} clusters, ${clusters * SHARDS_OF_CLUSTER} shards: ${what}`,
    unit,
    ours: spread(values),
    ...(limit === undefined ? {} : { target: { is: 'at most', value: limit, of: 'ours' } }),
  };
}

function growthRows(smaller: readonly Figure[], larger: readonly Figure[], from: number, to: number): Row[] {
  return larger.flatMap(({ what, unit, values, extent }) => {
    const reference = median(smaller.find((figure) => figure.what === what)?.values ?? []);
    // What should not be there at all does not grow.
    if (reference === 0 || unit === '') return [];
    const ratio = median(values) / reference;
    return {
      what: `${from} to ${to} clusters: ${what}`,
      unit,
      ours: spread(values),
      reference: spread([reference]),
      ratio: spread([ratio]),
      target: { is: 'at most', value: extent === 'whole' ? to / from : EACH_GROWS_BY, of: 'ratio' },
    };
  });
}
