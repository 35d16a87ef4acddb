import { plural, ranges } from '../../core/text/measures.js';
import { type CliCommand, parseWholeList } from '../CliCommand.js';
import type { CliContext } from '../CliContext.js';
import { EXIT_CODES, type ExitCode } from '../exitCodes.js';
import { followRestart, showRestart } from '../followRestart.js';

interface Flags {
  /** By `--no-wait`. */
  readonly wait: boolean;
}

export const restartCommand: CliCommand = ({ program, action }) => {
  program
    .command('restart')
    .description('Replaces clusters one after the other while they serve, and shows the pause of each shard.')
    .argument('[cluster...]', 'ids of clusters (default: all)', parseWholeList)
    .option('--no-wait', 'only begin it')
    .addHelpText(
      'after',
      `
The first failure ends it, with exit code 1; the old process of that cluster serves on, and so do the others.
Ctrl-C ends the watching only. The restart goes on, and "kallisti status --watch" shows it.

Examples:
  kallisti restart
  kallisti restart 0 3
  kallisti restart --json | jq '[.clusters[].arrivals[].pauseMs] | max'`,
    )
    .action(action<Flags, [readonly number[] | undefined]>(restart));
};

async function restart(context: CliContext, { wait }: Flags, clusterIds: readonly number[] = []): Promise<ExitCode> {
  const { screen, signal } = context;
  const body = clusterIds.length === 0 ? {} : { clusterIds };
  const begun = await context.connect().request('POST /api/restart', { body, signal });
  if (!wait) {
    const { clusterIds: ids } = begun;
    context.show(begun, () => `Restarting ${plural(ids.length, 'cluster')}: ${ranges(ids)}`);
    return EXIT_CODES.done;
  }
  try {
    return await showRestart(context, followRestart(context, begun.id));
  } catch (error) {
    if (signal.aborted) screen.note('Not watched any more; the restart goes on');
    throw error;
  }
}
