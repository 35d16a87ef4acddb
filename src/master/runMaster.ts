import { KallistiError } from '../core/errors.js';
import { LogTail } from '../core/log/LogTail.js';
import { createLogger } from '../core/log/logger.js';
import { StatusLine } from '../core/log/StatusLine.js';
import { scrub } from '../core/log/secrets.js';
import { type Config, loadConfig } from '../core/settings/config.js';
import { Master, type MasterOptions } from './Master.js';
import { MasterRun } from './upgrade/MasterRun.js';
import { Predecessor, SuccessorProcess } from './upgrade/Successor.js';

export interface RunMasterOptions extends Pick<MasterOptions, 'cluster' | 'setUp'> {
  /** Default: the environment and `.env`, see `loadConfig`. */
  readonly config?: Config;
}

const BANNER = `
  This is NOT Discord. No DISCORD_TOKEN is set, so the bot runs against the local Discord that
  comes with the project: some thousand made-up servers, whose made-up users run commands.

  To go live:  cp .env.example .env, put your bot's token into DISCORD_TOKEN, npm start.
  Ctrl-C stops everything.
`;

const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** A new master may take at least this long until it serves, in milliseconds. */
const START_TIMEOUT_MS = 20_000;
/** It may take this share of ORPHAN_GRACE. The rest is for the old master, which takes the clusters back if the new one hangs. */
const START_TIMEOUT_SHARE = 2 / 3;

/**
 * Runs the whole process of a master. An entry point needs nothing but this call.
 *
 * It reads the settings, logs to stdout, shows the status on a terminal, and runs a {@link Master}. It does what the command line
 * `kallisti` and signals ask for: SIGINT, SIGTERM and SIGHUP stop the bot in order, SIGUSR2 upgrades it. It ends the process with 0
 * after a stop, and with 1 and one line on stderr where the bot cannot run. An upgrade starts the running program once more, so
 * what a bot adds to its master belongs into `setUp`, not beside this call.
 *
 * Resolves when the master serves.
 */
export async function runMaster({ config: given, ...options }: RunMasterOptions = {}): Promise<void> {
  const config = given ?? readConfig();
  const predecessor = new Predecessor();
  const status = new StatusLine(process.stdout);
  const logTail = new LogTail();
  const logger = createLogger({
    level: config.logLevel,
    bindings: { kind: 'master', pid: process.pid },
    tail: logTail,
    ...(process.stdout.isTTY ? { destination: status.wrap() } : {}),
  });
  const run = new MasterRun({
    logger,
    predecessor,
    createMaster: (how) =>
      new Master({
        ...options,
        ...how,
        config,
        logger,
        logTail,
        onStopRequested: () => run.stop('SIGTERM'),
        ...(process.stdout.isTTY ? { status } : {}),
      }),
    spawnSuccessor: () => {
      status.clear();
      return new SuccessorProcess([...process.execArgv, ...process.argv.slice(1)]);
    },
    startTimeoutMs: Math.max(START_TIMEOUT_MS, config.orphanGraceMs * START_TIMEOUT_SHARE),
    onEnd: (exitCode, error) => {
      status.stop();
      if (error !== undefined) complain(error);
      process.exit(exitCode);
    },
  });
  for (const signal of STOP_SIGNALS) process.on(signal, () => run.stop(signal));
  process.on('SIGUSR2', () => run.upgrade());
  for (const warning of config.warnings) logger.warn(warning);
  if (config.token === undefined) process.stdout.write(`${BANNER}\n`);
  await run.start();
}

function readConfig(): Config {
  try {
    return loadConfig();
  } catch (error) {
    complain(error);
    process.exit(1);
  }
}

/** Prints one line where the reader can fix what is wrong: a stack would hide it. Any other error is a bug, and has its stack printed. */
function complain(error: unknown): void {
  const isOurs = error instanceof KallistiError || !(error instanceof Error);
  const text = error instanceof Error ? (isOurs ? error.message : (error.stack ?? error.message)) : String(error);
  process.stderr.write(`${scrub(text)}\n`);
}
