import type { RestartStatus } from '../core/contracts/AdminApi.js';
import type { CliContext } from './CliContext.js';
import { CliError, EXIT_CODES, type ExitCode } from './exitCodes.js';
import { clusterLine, isSettled, progressBar, restartSummary } from './text/restartText.js';

const UNSEEN_TIMEOUT_MS = 10_000;
/** So many statuses in a row without a restart that was seen before: the master does not know it any more. */
const ENOUGH_MISSES = 3;

/**
 * Shows a restart until it ends: a line for each cluster that is done, and on a terminal a bar below them.
 *
 * @param restarts its states as the master reports them, the last one included.
 * @throws CliError if they end before the restart does.
 */
export async function showRestart(context: CliContext, restarts: AsyncIterable<RestartStatus>): Promise<ExitCode> {
  const { screen } = context;
  const shown = new Set<number>();
  let last: RestartStatus | undefined;
  try {
    for await (const restart of restarts) {
      last = restart;
      if (context.isJson) continue;
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
  const end = last;
  context.show(end, () => restartSummary(end));
  return end.outcome === 'done' ? EXIT_CODES.done : EXIT_CODES.failed;
}

/**
 * Yields the states of one restart, the last one included. Ends without a last one if the master does not know the restart: not
 * within 10 s, or not any more, because it is a new master.
 *
 * @param id undefined: the first restart that the master reports.
 */
export async function* followRestart(context: CliContext, id?: string): AsyncGenerator<RestartStatus> {
  let wanted = id;
  let wasSeen = false;
  let misses = 0;
  const until = performance.now() + UNSEEN_TIMEOUT_MS;
  for await (const event of context.follow()) {
    if (event.name === 'lost') context.screen.note(`the connection is lost (${event.reason}), trying again`);
    if (event.name !== 'status' && event.name !== 'restart') continue;
    const restart = event.name === 'restart' ? event.data : event.data.restart;
    wanted ??= restart?.id;
    if (restart !== null && restart.id === wanted) {
      wasSeen = true;
      misses = 0;
      yield restart;
      if (restart.outcome !== 'rolling') return;
    } else if (event.name === 'status') {
      // A status may have been collected a moment before the restart began.
      misses++;
      if (wasSeen ? misses >= ENOUGH_MISSES : performance.now() > until) return;
    }
  }
}
