import type { LiveStatus } from '../../core/contracts/AdminApi.js';
import type { CliCommand } from '../CliCommand.js';
import { EXIT_CODES, type ExitCode } from '../exitCodes.js';
import type { Session } from '../Session.js';
import { isWell, statusText } from '../text/statusText.js';

interface Flags {
  readonly watch?: boolean;
  readonly check?: boolean;
}

export const statusCommand: CliCommand = ({ program, action }) => {
  program
    .command('status')
    .description('Shows how the master, its clusters and the IDENTIFY budget are.')
    .option('-w, --watch', 'show it anew about once a second, until Ctrl-C; with --json one line each time')
    .option('--check', 'exit with 1 unless every cluster is ready')
    .addHelpText(
      'after',
      `
Examples:
  kallisti status
  kallisti status --watch
  kallisti status --check && echo "all ready"
  kallisti status --json | jq '.clusters[] | select(.state != "ready")'`,
    )
    .action(action<Flags>((session, flags) => (flags.watch === true ? watch(session) : show(session, flags))));
};

async function show(session: Session, { check = false }: Flags): Promise<ExitCode> {
  const status = await session.connect().request('GET /api/status', { signal: session.signal });
  if (session.isJson) session.screen.json(status);
  else session.screen.print(textOf(session, status));
  return !check || isWell(status) ? EXIT_CODES.done : EXIT_CODES.failed;
}

/** Ctrl-C is the way out, so it is no failure. */
async function watch(session: Session): Promise<ExitCode> {
  const { screen } = session;
  let last = '';
  try {
    for await (const event of session.follow()) {
      if (event.name === 'lost') {
        const notice = `the connection is lost (${event.reason}), trying again; above is how it was last`;
        if (screen.isLive && !session.isJson) screen.live(`${last}\n\n${screen.paint.red(notice)}`);
        else screen.note(notice);
      } else if (event.name === 'status') {
        last = showLive(session, event.data);
      }
    }
  } catch (error) {
    if (!session.signal.aborted) throw error;
  } finally {
    screen.keep();
  }
  return EXIT_CODES.done;
}

function showLive(session: Session, status: LiveStatus): string {
  const { screen } = session;
  if (session.isJson) {
    screen.json(status);
    return '';
  }
  const text = textOf(session, status);
  if (screen.isLive) screen.live(text);
  else screen.print(`${text}\n`);
  return text;
}

function textOf({ screen }: Session, status: LiveStatus): string {
  return statusText(status, { paint: screen.paint, width: screen.width });
}
