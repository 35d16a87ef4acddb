import { Argument } from 'commander';
import { LOG_LEVELS, type LogLevel } from '../../core/settings/settings.js';
import { ranges } from '../../core/text/measures.js';
import { type CliCommand, parseWhole } from '../CliCommand.js';
import type { CliContext } from '../CliContext.js';
import { EXIT_CODES, type ExitCode } from '../exitCodes.js';

export const loglevelCommand: CliCommand = ({ program, action }) => {
  program
    .command('loglevel')
    .description('Changes the log level at once, of one cluster or of the master and all clusters.')
    .addArgument(new Argument('<level>', 'least important lines that are logged').choices(LOG_LEVELS))
    .argument('[cluster]', 'id of a cluster (default: the master and all clusters)', parseWhole)
    .addHelpText(
      'after',
      `
It lasts until the process ends. The next one begins with LOG_LEVEL.

Examples:
  kallisti loglevel debug
  kallisti loglevel trace 2`,
    )
    .action(action<object, [LogLevel, number | undefined]>(setLevel));
};

async function setLevel(
  context: CliContext,
  _flags: object,
  level: LogLevel,
  clusterId: number | undefined,
): Promise<ExitCode> {
  const body = { level, ...(clusterId === undefined ? {} : { clusterId }) };
  const done = await context.connect().request('POST /api/loglevel', { body, signal: context.signal });
  const clusters = `cluster${done.clusterIds.length === 1 ? '' : 's'} ${ranges(done.clusterIds)}`;
  const whose = clusterId === undefined ? `the master and ${clusters}` : clusters;
  context.show(done, () => `Log level ${done.level}: ${whose}`);
  return EXIT_CODES.done;
}
