import { InvalidArgumentError } from 'commander';
import type { LogLine } from '../../core/contracts/AdminApi.js';
import { type CliCommand, parseWhole } from '../CliCommand.js';
import type { CliContext } from '../CliContext.js';
import { EXIT_CODES, type ExitCode } from '../exitCodes.js';
import { LogCursor } from '../LogCursor.js';
import { printable } from '../Screen.js';

interface Flags {
  readonly follow?: boolean;
  readonly lines: number;
}

/** A stream of logs begins with so many of the last lines. */
const STREAMED_LINES = 100;

type Source = number | 'master' | 'all';

export const logsCommand: CliCommand = ({ program, action }) => {
  program
    .command('logs')
    .description('Prints the last log lines of a cluster, of the master, or of all.')
    .argument('[cluster]', 'id of a cluster, or master (default: all)', parseSource)
    .option('-f, --follow', 'print new lines as they come, until Ctrl-C')
    .option('-n, --lines <number>', 'how many of the last lines', parseWhole, 200)
    .addHelpText(
      'after',
      `
With --json each line is a JSON object: clusterId (null: the master), time, level, text.

Examples:
  kallisti logs --follow
  kallisti logs 2 --lines 50
  kallisti logs master -f
  kallisti logs --json | jq -r 'select(.level == "error") | .text'`,
    )
    .action(
      action<Flags, [Source | undefined]>((context, flags, source = 'all') =>
        flags.follow === true ? follow(context, source, flags.lines) : show(context, source, flags.lines),
      ),
    );
};

async function show(context: CliContext, source: Source, lines: number): Promise<ExitCode> {
  for (const line of await fetchLines(context, source, lines)) print(context, line);
  return EXIT_CODES.done;
}

/** Runs until Ctrl-C, which is therefore no failure. */
async function follow(context: CliContext, source: Source, lines: number): Promise<ExitCode> {
  const cursor = new LogCursor();
  try {
    // The stream repeats these lines, so the cursor must know all of them, however few are wanted.
    const past = cursor.take(await fetchLines(context, source, Math.max(lines, STREAMED_LINES)));
    for (const line of lines === 0 ? [] : past.slice(-lines)) print(context, line);
    let isRepeated = true;
    for await (const event of context.follow({ logs: String(source) })) {
      if (event.name === 'lost') {
        context.screen.note(`the connection is lost (${event.reason}), trying again`);
        isRepeated = true;
      }
      if (event.name === 'stopping') context.screen.note('the master stops');
      if (event.name !== 'logs') continue;
      const news = isRepeated ? cursor.skipPrinted(event.data) : event.data;
      isRepeated = false;
      for (const line of cursor.take(news)) print(context, line);
    }
  } catch (error) {
    if (!context.signal.aborted) throw error;
  }
  return EXIT_CODES.done;
}

async function fetchLines(context: CliContext, source: Source, lines: number): Promise<readonly LogLine[]> {
  const client = context.connect();
  const { signal } = context;
  if (typeof source === 'number') {
    const params = { id: source };
    return (await client.request('GET /api/clusters/:id/logs', { params, query: { lines }, signal })).lines;
  }
  if (source === 'all') return (await client.request('GET /api/logs', { query: { lines }, signal })).lines;
  // The API has the master's lines only among those of all.
  const all = await client.request('GET /api/logs', { query: { lines: Math.max(lines, 1000) }, signal });
  const own = all.lines.filter(({ clusterId }) => clusterId === null);
  return lines === 0 ? [] : own.slice(-lines);
}

function print(context: CliContext, line: LogLine): void {
  context.show(line, () => {
    const text = printable(line.text);
    const { paint } = context.screen;
    const { level } = line;
    if (level === 'error' || level === 'fatal') return paint.red(text);
    if (level === 'warn') return paint.yellow(text);
    return level === 'info' ? text : paint.dim(text);
  });
}

function parseSource(text: string): Source {
  if (text === 'master' || text === 'all') return text;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Allowed: the id of a cluster, master, or all.');
}
