import { type ChildProcess, spawn } from 'node:child_process';
import { KallistiError } from '../core/errors.js';
import { LogTail } from '../core/log/LogTail.js';
import { createLogger } from '../core/log/logger.js';
import { StatusLine } from '../core/log/StatusLine.js';
import { scrub } from '../core/log/secrets.js';
import { type Config, loadConfig } from '../core/settings/config.js';
import { Master } from '../master/Master.js';

const BANNER = `
  This is NOT Discord. No DISCORD_TOKEN is set, so the bot runs against the local Discord that
  comes with the project: some thousand made-up servers, whose made-up users run commands.

  To go live:  cp .env.example .env, put your bot's token into DISCORD_TOKEN, npm start.
  Ctrl-C stops everything.
`;

/** Set for a master that was started by an upgrade: its parent, the master of before, waits for it and starts the next one. */
const UPGRADED_VARIABLE = 'KALLISTI_UPGRADED';
/** Exit code by which an upgraded master asks its parent for the next upgrade; sysexits.h calls it EX_TEMPFAIL. */
const UPGRADE_EXIT_CODE = 75;
const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Ends with one line: what is wrong is the reader's to fix, and a stack would only hide it. */
function giveUp(error: unknown): never {
  // What is not ours is a bug, and its stack the way to it.
  const text =
    error instanceof KallistiError
      ? error.message
      : error instanceof Error
        ? (error.stack ?? error.message)
        : String(error);
  process.stderr.write(`${scrub(text)}\n`);
  process.exit(1);
}

function readConfig(): Config {
  try {
    return loadConfig();
  } catch (error) {
    return giveUp(error);
  }
}

const config = readConfig();
const isUpgraded = process.env[UPGRADED_VARIABLE] !== undefined;
const status = new StatusLine(process.stdout);
const logTail = new LogTail();
const logger = createLogger({
  level: config.logLevel,
  bindings: { kind: 'master', pid: process.pid },
  tail: logTail,
  ...(process.stdout.isTTY ? { destination: status.wrap() } : {}),
});

let master: Master;
let isEnding = false;

/** @param rollsAfterTakeOver whether clusters that were taken over are replaced, one after the other. */
async function run(rollsAfterTakeOver: boolean): Promise<void> {
  isEnding = false;
  master = new Master({
    config,
    logger,
    logTail,
    rollsAfterTakeOver,
    onStopRequested: () => void end(0),
    ...(process.stdout.isTTY ? { status } : {}),
  });
  void master.refused.then(async (error) => {
    isEnding = true;
    await master.stop();
    status.stop();
    giveUp(error);
  });
  try {
    await master.start();
  } catch (error) {
    // A stop during the start makes it fail; that is no error.
    if (isEnding) return;
    await master.stop();
    status.stop();
    giveUp(error);
  }
  // Tells the master of before that it is needed no more.
  process.send?.('running');
}

async function end(exitCode: number, keepClusters = false): Promise<void> {
  if (isEnding) return;
  isEnding = true;
  await master.stop({ keepClusters });
  status.stop();
  process.exit(exitCode);
}

/** Replaces this master by one started from the code that is on disk now; the clusters serve on meanwhile, and are rolled then. */
async function upgrade(): Promise<void> {
  if (isEnding) return;
  logger.info('SIGUSR2: upgrading to the code on disk');
  if (isUpgraded) {
    // The parent starts the next one, so that the chain of masters is never longer than two.
    await end(UPGRADE_EXIT_CODE, true);
    return;
  }
  isEnding = true;
  await master.stop({ keepClusters: true });
  status.clear();
  superviseUpgraded();
}

/** Starts the new master and stands behind it: passes signals on, ends as it ends, and comes back where it does not start. */
function superviseUpgraded(): void {
  let isRunning = false;
  let child: ChildProcess;
  try {
    child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
      stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
      env: { ...process.env, [UPGRADED_VARIABLE]: '1' },
    });
  } catch (error) {
    goOn(error instanceof Error ? error.message : String(error));
    return;
  }
  const pass = (signal: NodeJS.Signals): void => void child.kill(signal);
  const handlers = [...STOP_SIGNALS, 'SIGUSR2' as const].map((signal) => [signal, () => pass(signal)] as const);
  const letGo = (): void => {
    for (const [name, handler] of handlers) process.off(name, handler);
  };
  for (const signal of [...STOP_SIGNALS, 'SIGUSR2' as const]) process.removeAllListeners(signal);
  for (const [signal, handler] of handlers) process.on(signal, handler);
  child.once('message', () => {
    isRunning = true;
    child.disconnect();
  });
  child.on('error', (error) => {
    // Of one that runs, it is a signal that could not be passed on.
    if (child.pid !== undefined) return;
    letGo();
    goOn(error.message);
  });
  child.once('exit', (code, signal) => {
    letGo();
    if (code === UPGRADE_EXIT_CODE) {
      superviseUpgraded();
    } else if (isRunning || code === 0) {
      process.exit(code ?? (signal === null ? 1 : 128));
    } else {
      goOn(signal ?? `exit code ${code}`);
    }
  });
}

/** The new master did not start: this one takes its clusters back. */
function goOn(reason: string): void {
  logger.error(`the new master did not start (${reason}); the old one goes on`);
  listen();
  void run(false);
}

function listen(): void {
  for (const signal of STOP_SIGNALS) {
    process.on(signal, () => {
      if (!isEnding) logger.info(`${signal}: stopping`);
      void end(0);
    });
  }
  process.on('SIGUSR2', () => void upgrade());
}

for (const warning of config.warnings) logger.warn(warning);
if (config.token === undefined) process.stdout.write(`${BANNER}\n`);
listen();
await run(isUpgraded);
