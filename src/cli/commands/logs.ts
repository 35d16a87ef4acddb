import { InvalidArgumentError } from 'commander';
import type { LogLine } from '../../core/contracts/AdminApi.js';
import { type CliCommand, parseWhole } from '../CliCommand.js';
import { EXIT_CODES, type ExitCode } from '../exitCodes.js';
import { LogCursor } from '../LogCursor.js';
import type { Session } from '../Session.js';
import { printable } from '../text/printable.js';

interface Flags {
  readonly follow?: boolean;
  readonly lines: number;
}

/** A stream of logs begins with so many of the last. */
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
      action<Flags, [Source | undefined]>((session, flags, source = 'all') =>
        flags.follow === true ? follow(session, source, flags.lines) : show(session, source, flags.lines),
      ),
    );
};

async function show(session: Session, source: Source, lines: number): Promise<ExitCode> {
  for (const line of await fetchLines(session, source, lines)) print(session, line);
  return EXIT_CODES.done;
}

/** Ctrl-C is the way out, so it is no failure. */
async function follow(session: Session, source: Source, lines: number): Promise<ExitCode> {
  const cursor = new LogCursor();
  try {
    // What the stream begins with is known then, however few lines are wanted.
    const past = cursor.take(await fetchLines(session, source, Math.max(lines, STREAMED_LINES)));
    for (const line of lines === 0 ? [] : past.slice(-lines)) print(session, line);
    let isRepeated = true;
    for await (const event of session.follow({ logs: String(source) })) {
      if (event.name === 'lost') {
        session.screen.note(`the connection is lost (${event.reason}), trying again`);
        isRepeated = true;
      }
      if (event.name === 'stopping') session.screen.note('the master stops');
      if (event.name !== 'logs') continue;
      const news = isRepeated ? cursor.skipPrinted(event.data) : event.data;
      isRepeated = false;
      for (const line of cursor.take(news)) print(session, line);
    }
  } catch (error) {
    if (!session.signal.aborted) throw error;
  }
  return EXIT_CODES.done;
}

async function fetchLines(session: Session, source: Source, lines: number): Promise<readonly LogLine[]> {
  const client = session.connect();
  const { signal } = session;
  if (typeof source === 'number') {
    const params = { id: source };
    return (await client.request('GET /api/clusters/:id/logs', { params, query: { lines }, signal })).lines;
  }
  if (source === 'all') return (await client.request('GET /api/logs', { query: { lines }, signal })).lines;
  // The master's are not to be had alone.
  const all = await client.request('GET /api/logs', { query: { lines: Math.max(lines, 1000) }, signal });
  const own = all.lines.filter(({ clusterId }) => clusterId === null);
  return lines === 0 ? [] : own.slice(-lines);
}

function print({ screen, isJson }: Session, line: LogLine): void {
  if (isJson) {
    screen.json(line);
    return;
  }
  const { level } = line;
  const text = printable(line.text);
  const { paint } = screen;
  if (level === 'error' || level === 'fatal') screen.print(paint.red(text));
  else if (level === 'warn') screen.print(paint.yellow(text));
  else if (level === 'debug' || level === 'trace') screen.print(paint.dim(text));
  else screen.print(text);
}

function parseSource(text: string): Source {
  if (text === 'master' || text === 'all') return text;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Allowed: the id of a cluster, master, or all.');
}
