import type { RestartStatus } from '../core/contracts/AdminApi.js';
import { CliError } from './CliError.js';
import { EXIT_CODES, type ExitCode } from './exitCodes.js';
import type { Session } from './Session.js';
import { clusterLine, isSettled, progressBar, restartSummary } from './text/restartText.js';

const UNSEEN_TIMEOUT_MS = 10_000;
/** Statuses without a restart that was there before. */
const ENOUGH_MISSES = 3;

/**
 * Shows a restart until it ends: a line for each cluster that is done, and on a terminal a bar below them.
 *
 * @param restarts what the master says of it, until its end.
 * @throws CliError where they end before the restart does.
 */
export async function showRestart(session: Session, restarts: AsyncIterable<RestartStatus>): Promise<ExitCode> {
  const { screen } = session;
  const shown = new Set<number>();
  let last: RestartStatus | undefined;
  try {
    for await (const restart of restarts) {
      last = restart;
      if (session.isJson) continue;
      for (const cluster of restart.clusters) {
        if (!isSettled(cluster) || shown.has(cluster.clusterId)) continue;
        shown.add(cluster.clusterId);
        screen.print(clusterLine(cluster, screen.paint));
      }
      if (restart.outcome === 'rolling') screen.live(progressBar(restart, screen.paint));
    }
  } finally {
    screen.clear();
  }
  if (last === undefined || last.outcome === 'rolling') {
    throw new CliError(EXIT_CODES.refused, 'WORKER_EXITED', 'the master went away before the restart was done');
  }
  if (session.isJson) screen.json(last);
  else screen.print(restartSummary(last));
  return last.outcome === 'done' ? EXIT_CODES.done : EXIT_CODES.failed;
}

/**
 * What the master says of one restart, its end included. Ends without one where the master knows nothing of it: not within
 * 10 s, or not any more, because it is a new one.
 *
 * @param id undefined: the first one that it tells of.
 */
export async function* followRestart(session: Session, id?: string): AsyncGenerator<RestartStatus> {
  let wanted = id;
  let wasSeen = false;
  let misses = 0;
  const until = performance.now() + UNSEEN_TIMEOUT_MS;
  for await (const event of session.follow()) {
    if (event.name === 'lost') session.screen.note(`the connection is lost (${event.reason}), trying again`);
    if (event.name !== 'status' && event.name !== 'restart') continue;
    const restart = event.name === 'restart' ? event.data : event.data.restart;
    wanted ??= restart?.id;
    if (restart !== null && restart.id === wanted) {
      wasSeen = true;
      misses = 0;
      yield restart;
      if (restart.outcome !== 'rolling') return;
    } else if (event.name === 'status') {
      // One that was collected a moment before the restart began, or got on, may still come.
      misses++;
      if (wasSeen ? misses >= ENOUGH_MISSES : performance.now() > until) return;
    }
  }
}
