import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { z } from 'zod';
import { KallistiError } from '../core/errors.js';
import { scrub } from '../core/log/secrets.js';
import { messageOf } from '../core/text/messageOf.js';
import type { CliCommand, Handler, Registrar } from './CliCommand.js';
import { CliContext, type GlobalOptions } from './CliContext.js';
import { completionCommand } from './commands/completion.js';
import { doctorCommand } from './commands/doctor.js';
import { evalCommand } from './commands/eval.js';
import { findCommand } from './commands/find.js';
import { loglevelCommand } from './commands/loglevel.js';
import { logsCommand } from './commands/logs.js';
import { restartCommand } from './commands/restart.js';
import { shardsCommand } from './commands/shards.js';
import { statusCommand } from './commands/status.js';
import { stopCommand } from './commands/stop.js';
import { upgradeCommand } from './commands/upgrade.js';
import { EXIT_CODES, EXIT_CODES_HELP, type ExitCode, exitCodeOf } from './exitCodes.js';
import { type CliIo, Screen } from './Screen.js';

/** In the order of the help. */
const COMMANDS: readonly CliCommand[] = [
  statusCommand,
  shardsCommand,
  restartCommand,
  evalCommand,
  findCommand,
  logsCommand,
  loglevelCommand,
  stopCommand,
  upgradeCommand,
  doctorCommand,
  completionCommand,
];

const DESCRIPTION =
  "Operates a running Kallisti bot. It finds the master through DATA_DIR, as the bot's own settings (environment, .env of this folder) name it.";

const EXAMPLES = `
Examples:
  kallisti status --watch
  kallisti restart
  kallisti logs --follow
  kallisti doctor
  DATA_DIR=/var/lib/mybot kallisti status --json`;

/**
 * Runs one command line. It never ends the process, and leaves nothing open. An error is one line on stderr, with `--json` also an
 * object on stdout.
 *
 * @returns the exit code.
 */
export async function runCli(args: readonly string[], io: CliIo): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT_CODES.done;
  const program = createProgram(io);
  const registrar: Registrar = {
    program,
    action<Flags, Args extends readonly unknown[]>(handler: Handler<Flags, Args>) {
      return async (...given: unknown[]) => {
        const command = given.at(-1) as Command;
        const context = new CliContext(io, command.optsWithGlobals<GlobalOptions>());
        // Commander has parsed them with the parsers that stand beside the handler.
        exitCode = await handler(context, command.opts() as Flags, ...(command.processedArgs as unknown as Args));
      };
    },
  };
  for (const add of COMMANDS) add(registrar);
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_CODES.done : EXIT_CODES.wrongArguments;
    if (io.signal.aborted) return EXIT_CODES.interrupted;
    report(error, io, program.opts<GlobalOptions>());
    return exitCodeOf(error);
  } finally {
    // The terminal has shown ^C. The prompt that comes next belongs on a line of its own.
    if (io.signal.aborted && io.stdout.isTTY === true) io.stdout.write('\n');
  }
}

function createProgram({ stdout, stderr, env }: CliIo): Command {
  return new Command('kallisti')
    .description(DESCRIPTION)
    .version(readVersion(), '-V, --version')
    .option('--data-dir <path>', "the bot's DATA_DIR (default: DATA_DIR of the environment or .env, else ./data)")
    .option('--url <url>', 'where the admin API is; default: DATA_DIR says it')
    .option('--token <token>', 'its token; better in KALLISTI_ADMIN_TOKEN, because other users can see a command line')
    .option('--json', 'print the result as JSON, for scripts')
    .option('--no-color', 'print without colours (as NO_COLOR does)')
    .option('--verbose', 'with an error, also where it came from')
    .helpOption('-h, --help', 'show the help')
    .helpCommand('help [command]', 'show the help of a command')
    .addHelpText('after', EXAMPLES)
    .addHelpText('after', EXIT_CODES_HELP)
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => void stdout.write(text),
      writeErr: (text) => void stderr.write(withoutValues(text)),
      getOutHasColors: () => stdout.isTTY === true && !env.NO_COLOR,
      getErrHasColors: () => stderr.isTTY === true && !env.NO_COLOR,
    })
    .showSuggestionAfterError()
    .exitOverride();
}

/** Commander quotes what it does not know, and a misspelt `--token=...` must not print the token. */
function withoutValues(text: string): string {
  return scrub(text.replace(/(unknown option '--?[\w-]+)=[^']*'/g, "$1=...'"));
}

function report(error: unknown, io: CliIo, options: GlobalOptions): void {
  const screen = new Screen(io, options.color !== false);
  const message = messageOf(error);
  screen.note(`kallisti: ${message}`);
  // Any error but ours is a bug, and its stack leads to it.
  if (options.verbose === true || !(error instanceof KallistiError)) screen.note(stackOf(error));
  if (options.json !== true) return;
  const { code, retryable } = error instanceof KallistiError ? error : { code: 'INTERNAL', retryable: false };
  screen.json({ error: { code, message, retryable } });
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return '';
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  const cause = error.cause === undefined ? [] : [`  caused by: ${String(error.cause)}`];
  return [...frames, ...cause].join('\n');
}

function readVersion(): string {
  const file = new URL('../../package.json', import.meta.url);
  return z.object({ version: z.string() }).parse(JSON.parse(readFileSync(file, 'utf8'))).version;
}
