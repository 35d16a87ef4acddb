import { type ExitReason, KallistiError } from '../errors.js';
import type { Channel } from '../ipc/Channel.js';
import type { Logger } from '../log/logger.js';
import type { Clock } from '../time/clock.js';
import { within } from '../time/within.js';
import { STOP } from './controlMessages.js';

/** How a stop went: `forced` is the strongest means that it needed. */
export interface StopResult {
  readonly forced: 'no' | 'SIGTERM' | 'SIGKILL';
  readonly exit: ExitReason;
}

export interface StopWorkerOptions {
  /** The worker in words, for logs and errors. */
  readonly description: string;
  /** Resolves when the process has ended. */
  readonly ended: Promise<ExitReason>;
  /** Undefined where the worker cannot be asked to stop, because it has no connection. */
  readonly channel: Pick<Channel, 'send'> | undefined;
  /** Resolves when the worker says that it has nothing left to do, or has closed its connection. */
  readonly finished: Promise<unknown>;
  readonly signal: (signal: NodeJS.Signals) => void;
  /** How long the worker may drain after the stop request, in milliseconds; then SIGTERM. */
  readonly drainTimeoutMs: number;
  /** How long it may take to die of SIGTERM, in milliseconds; then SIGKILL. */
  readonly termTimeoutMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** How long a worker that has said it is finished may need for Node's own exit, in milliseconds. */
const EXIT_GRACE_MS = 500;
/** How long a process may take to die of SIGKILL, in milliseconds. */
const KILL_TIMEOUT_MS = 10_000;

/**
 * Ends a worker by a ladder of means, each stronger than the one before: a stop request, SIGTERM, SIGKILL. Resolves when the
 * process is gone.
 *
 * @throws KallistiError KILL_FAILED where SIGKILL did not end the process within 10 s: it hangs in the kernel.
 */
export async function stopWorker(options: StopWorkerOptions): Promise<StopResult> {
  const { description, ended, signal, termTimeoutMs, clock, logger } = options;
  if (await drain(options)) return { forced: 'no', exit: await ended };
  signal('SIGTERM');
  if (await within(ended, termTimeoutMs, clock)) return { forced: 'SIGTERM', exit: await ended };
  logger.warn({ worker: description }, `SIGTERM did not end a worker within ${termTimeoutMs} ms, killing it`);
  signal('SIGKILL');
  if (await within(ended, KILL_TIMEOUT_MS, clock)) return { forced: 'SIGKILL', exit: await ended };
  throw new KallistiError('KILL_FAILED', `${description} could not be killed`);
}

/** @returns whether the worker has ended by itself in time. */
async function drain(options: StopWorkerOptions): Promise<boolean> {
  const { description, ended, channel, finished, drainTimeoutMs, clock, logger } = options;
  if (channel === undefined) return within(ended, 0, clock);
  try {
    channel.send(STOP, undefined);
  } catch (error) {
    // It does not read: its queue has no room for even this.
    logger.warn({ err: error, worker: description }, 'a worker could not be asked to stop, terminating it');
    return false;
  }
  if (await within(Promise.race([finished, ended]), drainTimeoutMs, clock)) return within(ended, EXIT_GRACE_MS, clock);
  logger.warn({ worker: description }, `a worker did not stop within ${drainTimeoutMs} ms, terminating it`);
  return false;
}
