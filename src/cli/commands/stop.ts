import { setTimeout as delay } from 'node:timers/promises';
import { identityOf, isRunning } from '../../core/files/processIdentity.js';
import { duration } from '../../core/text/measures.js';
import { AdminClient } from '../AdminClient.js';
import { type CliCommand, parseTimeout } from '../CliCommand.js';
import type { CliContext } from '../CliContext.js';
import { EXIT_CODES, type ExitCode } from '../exitCodes.js';

interface Flags {
  readonly timeout: number;
}

const POLL_MS = 100;

export const stopCommand: CliCommand = ({ program, action }) => {
  program
    .command('stop')
    .description('Stops the whole bot, so that its sessions can be resumed, and waits until the master has ended.')
    .option('--timeout <duration>', 'how long to wait; the stop goes on after that', parseTimeout, 60_000)
    .addHelpText(
      'after',
      `
A service manager that keeps the bot running may start it again: then stop the service instead.
Exit code 1 where the master still runs after the timeout.

Examples:
  kallisti stop
  kallisti stop --timeout 2m`,
    )
    .action(action<Flags>(stop));
};

async function stop(context: CliContext, { timeout }: Flags): Promise<ExitCode> {
  const { screen, signal } = context;
  const location = context.find();
  const client = new AdminClient(location);
  const began = performance.now();
  // Looked up before the stop: later the same pid may be another process's.
  const master = location.pid === undefined ? undefined : identityOf(location.pid);
  const isUp = master === undefined ? () => answers(client) : () => Promise.resolve(isRunning(master) !== false);
  await client.request('POST /api/stop', { body: {}, signal });
  const who = location.pid === undefined ? location.url : `pid ${location.pid}`;
  if (!context.isJson) screen.live(`Stopping (${who}) ...`);
  try {
    while (await isUp()) {
      if (performance.now() - began > timeout) {
        screen.note(
          `the master (${who}) still runs after ${duration(timeout)}; it has been asked to stop, and the stop goes on`,
        );
        if (context.isJson) screen.json({ stopped: false });
        return EXIT_CODES.failed;
      }
      await delay(POLL_MS, undefined, { signal });
    }
  } catch (error) {
    if (signal.aborted) screen.note('Not waited for any more; the stop goes on');
    throw error;
  } finally {
    screen.clear();
  }
  const durationMs = Math.round(performance.now() - began);
  context.show({ stopped: true, durationMs }, () => `Stopped (${who}) in ${duration(durationMs)}`);
  return EXIT_CODES.done;
}

async function answers(client: AdminClient): Promise<boolean> {
  try {
    await client.request('GET /healthz', { timeoutMs: 2000 });
    return true;
  } catch {
    return false; // Whatever the error is, no master serves there any more.
  }
}
