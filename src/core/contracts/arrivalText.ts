import type { ShardArrival } from './ClusterContract.js';

/** @returns how a cluster's shards came up: the pause of each, events replayed, IDENTIFYs used. */
export function arrivalText(arrivals: readonly ShardArrival[]): string {
  const pauses = arrivals.map(({ pauseMs }) => (pauseMs === null ? '?' : String(pauseMs)));
  const replayed = arrivals.reduce((sum, arrival) => sum + arrival.replayed, 0);
  const identifies = arrivals.filter(({ by }) => by === 'identified').length;
  return `paused ${pauses.join('/')} ms, ${replayed} events replayed, ${identifies} IDENTIFYs`;
}
