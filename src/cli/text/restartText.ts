import type { ClusterProgress, RestartStatus } from '../../core/contracts/AdminApi.js';
import { arrivalText } from '../../core/contracts/arrivalText.js';
import { duration, plural, whole } from '../../core/text/measures.js';
import { type Paint, printable } from '../Screen.js';

const BAR_WIDTH = 30;

/** Whether nothing more happens to this cluster in this restart. */
export function isSettled({ state }: ClusterProgress): boolean {
  return state === 'replaced' || state === 'failed' || state === 'skipped';
}

/** @returns how one cluster's replacement ended: the pause of each shard, events replayed, IDENTIFYs used. */
export function clusterLine(cluster: ClusterProgress, paint: Paint): string {
  const { clusterId, state, durationMs, reason, arrivals } = cluster;
  const name = `cluster ${clusterId}`;
  if (state === 'replaced')
    return `${paint.green('replaced')} ${name} in ${duration(durationMs)}: ${arrivalText(arrivals)}`;
  // Below its first line the reason has the last log lines of the process: after a failure they are wanted.
  const why = reason === null ? '' : `: ${printable(reason)}`;
  if (state === 'failed') return `${paint.red('failed')} ${name} after ${duration(durationMs)}${why}`;
  return `${paint.dim('skipped')} ${name}${why}`;
}

/** @returns a progress bar, and what is happening now. */
export function progressBar({ clusters, durationMs }: RestartStatus, paint: Paint): string {
  const done = clusters.filter(isSettled).length;
  const filled = clusters.length === 0 ? 0 : Math.round((BAR_WIDTH * done) / clusters.length);
  const bar = paint.green('█'.repeat(filled)) + paint.dim('░'.repeat(BAR_WIDTH - filled));
  const now = clusters.flatMap(({ clusterId, state }) => {
    if (state === 'replacing') return [`cluster ${clusterId} is being replaced`];
    return state === 'checking' ? [`cluster ${clusterId} is new, and being watched`] : [];
  });
  return [`${bar} ${done}/${clusters.length}`, duration(durationMs), ...now].join('  ');
}

/** @returns the whole restart in a line. */
export function restartSummary({ outcome, durationMs, clusters }: RestartStatus): string {
  const replaced = clusters.filter(({ state }) => state === 'replaced');
  const arrivals = replaced.flatMap((cluster) => cluster.arrivals);
  const of = `${replaced.length} of ${plural(clusters.length, 'cluster')}`;
  const headline = {
    rolling: `Restarting: ${of} done`,
    done: `Restarted ${of} in ${duration(durationMs)}`,
    failed: `The restart failed after ${of}; those that were not replaced serve on as they are`,
    stopped: `The restart was called off after ${of}: the master stops`,
  }[outcome];
  if (arrivals.length === 0) return headline;
  const pauses = arrivals.flatMap(({ pauseMs }) => (pauseMs === null ? [] : [pauseMs]));
  const facts = [
    ...(pauses.length === 0 ? [] : [`longest pause of a shard ${duration(Math.max(...pauses))}`]),
    `${whole(arrivals.reduce((sum, { replayed }) => sum + replayed, 0))} events replayed`,
    `${arrivals.filter(({ by }) => by === 'identified').length} IDENTIFYs`,
  ];
  return `${headline}; ${facts.join(', ')}`;
}
