import type { LiveStatus } from '../../core/contracts/AdminApi.js';
import type { CliCommand } from '../CliCommand.js';
import type { CliContext } from '../CliContext.js';
import { EXIT_CODES, type ExitCode } from '../exitCodes.js';
import { isWell, statusText } from '../text/statusText.js';

interface Flags {
  readonly watch?: boolean;
  readonly check?: boolean;
}

export const statusCommand: CliCommand = ({ program, action }) => {
  program
    .command('status')
    .description('Shows the state of the master, its clusters and the IDENTIFY budget.')
    .option('-w, --watch', 'show it again about once a second, until Ctrl-C; with --json one line each time')
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
    .action(action<Flags>((context, flags) => (flags.watch === true ? watch(context) : show(context, flags))));
};

async function show(context: CliContext, { check = false }: Flags): Promise<ExitCode> {
  const status = await context.connect().request('GET /api/status', { signal: context.signal });
  context.show(status, () => statusText(status, context.screen));
  return !check || isWell(status) ? EXIT_CODES.done : EXIT_CODES.failed;
}

/** Runs until Ctrl-C, which is therefore no failure. */
async function watch(context: CliContext): Promise<ExitCode> {
  const { screen } = context;
  let last = '';
  try {
    for await (const event of context.follow()) {
      if (event.name === 'lost') {
        const notice = `the connection is lost (${event.reason}), trying again; above is the last known state`;
        if (screen.isLive && !context.isJson) screen.live(`${last}\n\n${screen.paint.red(notice)}`);
        else screen.note(notice);
      } else if (event.name === 'status') {
        last = showLive(context, event.data);
      }
    }
  } catch (error) {
    if (!context.signal.aborted) throw error;
  } finally {
    screen.keep();
  }
  return EXIT_CODES.done;
}

function showLive(context: CliContext, status: LiveStatus): string {
  const { screen } = context;
  if (context.isJson) {
    screen.json(status);
    return '';
  }
  const text = statusText(status, screen);
  if (screen.isLive) screen.live(text);
  else screen.print(`${text}\n`);
  return text;
}
