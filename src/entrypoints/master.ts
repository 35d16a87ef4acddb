import { type Config, loadConfig } from '../core/config.js';
import { KallistiError } from '../core/errors.js';
import { createLogger } from '../core/logger.js';
import { StatusLine } from '../core/StatusLine.js';
import { scrub } from '../core/secrets.js';
import { Master } from '../master/Master.js';

const BANNER = `
  This is NOT Discord. No DISCORD_TOKEN is set, so the bot runs against the local Discord that
  comes with the project: some thousand made-up servers, whose made-up users run commands.

  To go live:  cp .env.example .env, put your bot's token into DISCORD_TOKEN, npm start.
  Ctrl-C stops everything.
`;

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
const status = new StatusLine(process.stdout);
const logger = createLogger({
  level: config.logLevel,
  bindings: { kind: 'master', pid: process.pid },
  ...(process.stdout.isTTY ? { destination: status.wrap() } : {}),
});
for (const warning of config.warnings) logger.warn(warning);
if (config.token === undefined) process.stdout.write(`${BANNER}\n`);

const master = new Master({ config, logger, ...(process.stdout.isTTY ? { status } : {}) });
let signalled = false;

async function end(exitCode: number): Promise<void> {
  await master.stop();
  status.stop();
  process.exit(exitCode);
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    if (signalled) return;
    signalled = true;
    logger.info(`${signal}: stopping`);
    void end(0);
  });
}

void master.refused.then(async (error) => {
  await master.stop();
  status.stop();
  giveUp(error);
});

try {
  await master.start();
} catch (error) {
  // A stop during the start makes it fail; that is no error.
  if (!signalled) {
    await master.stop();
    status.stop();
    giveUp(error);
  }
}
