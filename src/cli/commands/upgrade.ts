import { setTimeout as delay } from 'node:timers/promises';
import type { AdminStatus, LogLine } from '../../core/contracts/AdminApi.js';
import { identityOf, isRunning } from '../../core/files/processIdentity.js';
import { duration, ranges } from '../../core/text/measures.js';
import { AdminClient } from '../AdminClient.js';
import { type CliCommand, parseTimeout } from '../CliCommand.js';
import { CliError } from '../CliError.js';
import { EXIT_CODES, type ExitCode } from '../exitCodes.js';
import { followRestart, showRestart } from '../followRestart.js';
import type { Session } from '../Session.js';
import { printable } from '../text/printable.js';

interface Flags {
  readonly timeout: number;
}

const POLL_MS = 100;
const ASK_TIMEOUT_MS = 5_000;
/** Log lines that are shown where an upgrade failed. */
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
Exit code 1 where no new master came, or where the restart of the clusters failed.

Examples:
  git pull && npm ci && npm run build && kallisti upgrade`,
    )
    .action(action<Flags>(upgrade));
};

async function upgrade(session: Session, { timeout }: Flags): Promise<ExitCode> {
  const { screen, signal } = session;
  const location = session.find();
  if (location.pid === undefined) {
    throw new CliError(
      EXIT_CODES.wrongArguments,
      'CONFIG_INVALID',
      'upgrade needs DATA_DIR of a master on this machine; --url does not do',
    );
  }
  // An answer proves that it is a master, and that it runs: a process that is not would be ended by the signal.
  const before = await new AdminClient(location).request('GET /api/status', { signal });
  const began = Date.now();
  tell(location.pid);
  try {
    if (!session.isJson)
      screen.live(`Upgrading: waiting for a new master (now pid ${location.pid}, ${before.master.version}) ...`);
    const after = await untilReplaced(session, location.pid, timeout);
    screen.clear();
    if (typeof after === 'string') return await fail(session, after, began);
    const { pid, version } = after.master;
    if (!session.isJson) {
      const took = duration(Date.now() - began);
      screen.print(
        `New master: pid ${pid}, version ${version} (before: pid ${location.pid}, ${before.master.version}), after ${took}`,
      );
    }
    return await showRoll(session, before, began);
  } catch (error) {
    if (signal.aborted) screen.note('Not watched any more; the upgrade goes on');
    throw error;
  } finally {
    screen.clear();
  }
}

function tell(pid: number): void {
  try {
    process.kill(pid, 'SIGUSR2');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    const why = code === 'EPERM' ? 'it is of another user: run this as the user of the bot' : String(error);
    throw new CliError(EXIT_CODES.refused, 'REMOTE_ERROR', `the master (pid ${pid}) cannot be told to upgrade: ${why}`);
  }
}

/** @returns the status of the new master, or why there is none. */
async function untilReplaced(session: Session, pid: number, timeoutMs: number): Promise<AdminStatus | string> {
  const old = identityOf(pid);
  const until = performance.now() + timeoutMs;
  let wasAway = false;
  for (;;) {
    const status = await ask(session);
    if (status === undefined) wasAway = true;
    else if (status.master.pid !== pid) return status;
    else if (wasAway) return `the new master did not start, and the old one (pid ${pid}) goes on`;
    if (performance.now() > until) {
      const waited = `no new master after ${duration(timeoutMs)}`;
      return isRunning(old) === false
        ? `${waited}, and the old one is gone`
        : `${waited}; the old one (pid ${pid}) still runs`;
    }
    await delay(POLL_MS, undefined, { signal: session.signal });
  }
}

async function ask(session: Session): Promise<AdminStatus | undefined> {
  try {
    const { signal } = session;
    return await session.connect().request('GET /api/status', { signal, timeoutMs: ASK_TIMEOUT_MS });
  } catch (error) {
    if (session.signal.aborted) throw error;
    return undefined; // Between two masters nobody answers.
  }
}

async function showRoll(session: Session, before: AdminStatus, began: number): Promise<ExitCode> {
  const roll = followRestart(session);
  const first = await roll.next();
  if (first.done !== true) return showRestart(session, startingWith(first.value, roll));
  const { clusters } = await session.connect().request('GET /api/status', { signal: session.signal });
  const old = new Set(before.clusters.map(({ pid }) => pid));
  const left = clusters.filter(({ pid }) => pid !== null && old.has(pid)).map(({ clusterId }) => clusterId);
  if (left.length > 0) {
    const reason = `the new master does not replace the clusters; with the code of before serve on: ${ranges(left)}`;
    return fail(session, reason, began);
  }
  // It could not take them over: they were of another Discord (the local one ends with its master) or shard count.
  session.screen.note(
    'The clusters were not taken over but ended, and come up anew; "kallisti status" shows how far they are',
  );
  await showComplaints(session, began);
  if (session.isJson) session.screen.json(null);
  return EXIT_CODES.done;
}

async function* startingWith<Value>(first: Value, rest: AsyncGenerator<Value>): AsyncGenerator<Value> {
  yield first;
  yield* rest;
}

/** Says why with what the master has logged of it. */
async function fail(session: Session, reason: string, since: number): Promise<ExitCode> {
  const { screen } = session;
  screen.note(screen.errorPaint.red(`The upgrade failed: ${reason}`));
  await showComplaints(session, since);
  if (session.isJson) screen.json({ error: { code: 'START_FAILED', message: reason, retryable: true } });
  return EXIT_CODES.failed;
}

async function showComplaints(session: Session, since: number): Promise<void> {
  for (const { text } of await complaints(session, since)) {
    session.screen.note(`  ${printable(text).replaceAll('\n', '\n  ')}`);
  }
}

async function complaints(session: Session, since: number): Promise<readonly LogLine[]> {
  try {
    const { lines } = await session.connect().request('GET /api/logs', { query: { lines: 1000 } });
    const bad = lines.filter(({ clusterId, level, time }) => clusterId === null && time >= since && BAD.has(level));
    return bad.slice(-SHOWN_LINES);
  } catch {
    return []; // Nobody is there to ask; that is said already.
  }
}

const BAD: ReadonlySet<string> = new Set(['warn', 'error', 'fatal']);
