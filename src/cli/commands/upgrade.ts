import { setTimeout as delay } from 'node:timers/promises';
import type { AdminStatus, LogLine } from '../../core/contracts/AdminApi.js';
import { identityOf, isRunning } from '../../core/files/processIdentity.js';
import { duration, ranges } from '../../core/text/measures.js';
import { AdminClient } from '../AdminClient.js';
import { type CliCommand, parseTimeout } from '../CliCommand.js';
import type { CliContext } from '../CliContext.js';
import { CliError, EXIT_CODES, type ExitCode } from '../exitCodes.js';
import { followRestart, showRestart } from '../followRestart.js';
import { printable } from '../Screen.js';

interface Flags {
  readonly timeout: number;
}

const POLL_MS = 100;
const ASK_TIMEOUT_MS = 5_000;
/** How many log lines show why an upgrade failed. */
const SHOWN_LINES = 8;

export const upgradeCommand: CliCommand = ({ program, action }) => {
  program
    .command('upgrade')
    .description('Replaces the master, then every cluster, by the code that is on disk now, while the bot serves.')
    .option('--timeout <duration>', 'how long the new master may take until it answers', parseTimeout, 120_000)
    .addHelpText(
      'after',
      `
Install and build the new code first. The master hands its running clusters over to a new master (SIGUSR2 does the same),
which replaces them one after the other. Works only on the machine of the master.
Exit code 1 if no new master came, or if the restart of the clusters failed.

Examples:
  git pull && npm ci && npm run build && kallisti upgrade`,
    )
    .action(action<Flags>(upgrade));
};

async function upgrade(context: CliContext, { timeout }: Flags): Promise<ExitCode> {
  const { screen, signal } = context;
  const location = context.find();
  if (location.pid === undefined) {
    throw new CliError(
      EXIT_CODES.wrongArguments,
      'CONFIG_INVALID',
      'upgrade needs DATA_DIR of a master on this machine; --url is not enough',
    );
  }
  // An answer proves that this process is a master and runs. The signal would end any other process.
  const before = await new AdminClient(location).request('GET /api/status', { signal });
  const began = Date.now();
  signalUpgrade(location.pid);
  try {
    if (!context.isJson)
      screen.live(`Upgrading: waiting for a new master (now pid ${location.pid}, ${before.master.version}) ...`);
    const after = await untilReplaced(context, location.pid, timeout);
    screen.clear();
    if (typeof after === 'string') return await fail(context, after, began);
    const { pid, version } = after.master;
    if (!context.isJson) {
      const took = duration(Date.now() - began);
      screen.print(
        `New master: pid ${pid}, version ${version} (before: pid ${location.pid}, ${before.master.version}), after ${took}`,
      );
    }
    return await showRoll(context, before, began);
  } catch (error) {
    if (signal.aborted) screen.note('Not watched any more; the upgrade goes on');
    throw error;
  } finally {
    screen.clear();
  }
}

function signalUpgrade(pid: number): void {
  try {
    process.kill(pid, 'SIGUSR2');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    const why = code === 'EPERM' ? 'it is of another user: run this as the user of the bot' : String(error);
    throw new CliError(
      EXIT_CODES.refused,
      'REMOTE_ERROR',
      `the master (pid ${pid}) cannot be signalled to upgrade: ${why}`,
    );
  }
}

/** @returns the status of the new master, or why there is none. */
async function untilReplaced(context: CliContext, pid: number, timeoutMs: number): Promise<AdminStatus | string> {
  const old = identityOf(pid);
  const until = performance.now() + timeoutMs;
  let wasAway = false;
  for (;;) {
    const status = await ask(context);
    if (status === undefined) wasAway = true;
    else if (status.master.pid !== pid) return status;
    else if (wasAway) return `the new master did not start, and the old one (pid ${pid}) goes on`;
    if (performance.now() > until) {
      const waited = `no new master after ${duration(timeoutMs)}`;
      return isRunning(old) === false
        ? `${waited}, and the old one is gone`
        : `${waited}; the old one (pid ${pid}) still runs`;
    }
    await delay(POLL_MS, undefined, { signal: context.signal });
  }
}

async function ask(context: CliContext): Promise<AdminStatus | undefined> {
  try {
    const { signal } = context;
    return await context.connect().request('GET /api/status', { signal, timeoutMs: ASK_TIMEOUT_MS });
  } catch (error) {
    if (context.signal.aborted) throw error;
    return undefined; // Nobody answers between two masters.
  }
}

async function showRoll(context: CliContext, before: AdminStatus, began: number): Promise<ExitCode> {
  const roll = followRestart(context);
  const first = await roll.next();
  if (first.done !== true) return showRestart(context, startingWith(first.value, roll));
  const { clusters } = await context.connect().request('GET /api/status', { signal: context.signal });
  const old = new Set(before.clusters.map(({ pid }) => pid));
  const left = clusters.filter(({ pid }) => pid !== null && old.has(pid)).map(({ clusterId }) => clusterId);
  if (left.length > 0) {
    const reason = `the new master does not replace the clusters; these still run the old code: ${ranges(left)}`;
    return fail(context, reason, began);
  }
  // The new master could not take them over: they had another Discord (the local one ends with its master) or shard count.
  context.screen.note(
    'The clusters were not taken over but ended, and start again; "kallisti status" shows how far they are',
  );
  await showComplaints(context, began);
  if (context.isJson) context.screen.json(null);
  return EXIT_CODES.done;
}

async function* startingWith<Value>(first: Value, rest: AsyncGenerator<Value>): AsyncGenerator<Value> {
  yield first;
  yield* rest;
}

/** Shows the reason, and what the master has logged about it. */
async function fail(context: CliContext, reason: string, since: number): Promise<ExitCode> {
  const { screen } = context;
  screen.note(screen.errorPaint.red(`The upgrade failed: ${reason}`));
  await showComplaints(context, since);
  if (context.isJson) screen.json({ error: { code: 'START_FAILED', message: reason, retryable: true } });
  return EXIT_CODES.failed;
}

async function showComplaints(context: CliContext, since: number): Promise<void> {
  for (const { text } of await complaints(context, since)) {
    context.screen.note(`  ${printable(text).replaceAll('\n', '\n  ')}`);
  }
}

async function complaints(context: CliContext, since: number): Promise<readonly LogLine[]> {
  try {
    const { lines } = await context.connect().request('GET /api/logs', { query: { lines: 1000 } });
    const bad = lines.filter(({ clusterId, level, time }) => clusterId === null && time >= since && BAD.has(level));
    return bad.slice(-SHOWN_LINES);
  } catch {
    return []; // No master answers. The reason says so already.
  }
}

const BAD: ReadonlySet<string> = new Set(['warn', 'error', 'fatal']);
