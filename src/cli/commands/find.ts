import { Argument } from 'commander';
import type { AdminApi } from '../../core/contracts/AdminApi.js';
import { type CliCommand, parseSnowflake } from '../CliCommand.js';
import type { CliContext } from '../CliContext.js';
import { EXIT_CODES, type ExitCode } from '../exitCodes.js';
import { printable } from '../Screen.js';
import { renderTable } from '../text/table.js';

const KINDS = ['guild', 'user', 'channel'] as const;
type Kind = (typeof KINDS)[number];
type Found = { [K in Kind]: AdminApi[`GET /api/find/${K}/:id`]['reply'] }[Kind];

/** The master asks every cluster, and a slow one has 10 s to answer. */
const FIND_TIMEOUT_MS = 15_000;

export const findCommand: CliCommand = ({ program, action }) => {
  program
    .command('find')
    .description('Looks a guild, user or channel up in the caches of all clusters.')
    .addArgument(new Argument('<kind>', 'what to look for').choices(KINDS))
    .argument('<id>', 'its id at Discord', parseSnowflake)
    .addHelpText(
      'after',
      `
Exit code 1 where every cluster looked and none has it.

Examples:
  kallisti find guild 81384788765712384
  kallisti find user 80351110224678912 --json`,
    )
    .action(action<object, [Kind, string]>(find));
};

async function find(context: CliContext, _flags: object, kind: Kind, id: string): Promise<ExitCode> {
  const { screen, signal } = context;
  const found: Found = await context
    .connect()
    .request(`GET /api/find/${kind}/:id`, { params: { id }, signal, timeoutMs: FIND_TIMEOUT_MS });
  const value = Object.values(found)[0] as object | null;
  if (value === null && !context.isJson) screen.note(`no cluster has a ${kind} ${id}`);
  else context.show(found, () => factsOf(value ?? {}, context));
  return value === null ? EXIT_CODES.failed : EXIT_CODES.done;
}

function factsOf(value: object, { screen: { paint, width } }: CliContext): string {
  const columns = [
    { title: '', cell: ([name]: [string, unknown]) => paint.dim(name) },
    { title: '', cell: ([, fact]: [string, unknown]) => printable(String(fact)) },
  ];
  return renderTable(Object.entries(value), columns, { width }).trim();
}
