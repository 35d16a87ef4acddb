import { describeExit, type ExitReason, RemoteError, WorkerStartError } from '../errors.js';
import type { Clock, Timer } from '../time/clock.js';
import type { StartFailure } from './controlMessages.js';
import type { WorkerReports } from './WorkerReports.js';

export interface UntilReadyOptions {
  /** The worker in words, for errors. */
  readonly description: string;
  readonly reports: WorkerReports;
  /** Resolves when the process has ended. */
  readonly ended: Promise<ExitReason>;
  /** How long the worker may take, in milliseconds. */
  readonly timeoutMs: number;
  /** Whether the worker waits for something that is not its fault: the time starts anew then. */
  readonly isWaiting: () => boolean;
  /** Whether somebody has told the worker to stop. */
  readonly isStopping: () => boolean;
  /** The last lines that the worker printed; called when it has ended or has had its time. */
  readonly logLines: () => readonly string[];
  /** Resolves when the output of an ended process has been read. */
  readonly outputRead: () => Promise<void>;
  readonly clock: Clock;
}

/**
 * Waits until a worker says `ready`.
 *
 * @throws WorkerStartError that says why it does not.
 */
export async function untilReady(options: UntilReadyOptions): Promise<void> {
  const { reports, ended } = options;
  const timeout = startTimeout(options);
  const ready = reports.ready.then(() => 'ready' as const);
  const first = await Promise.race([ready, reports.failed, ended, timeout.elapsed]).finally(timeout.cancel);
  if (options.isStopping()) throw stoppedBeforeReady(options.description);
  if (first !== 'ready') throw await startError(first, options);
}

export function stoppedBeforeReady(description: string): WorkerStartError {
  return new WorkerStartError('STOPPED_BEFORE_READY', `${description} was told to stop before it was ready`, []);
}

function startTimeout({ timeoutMs, isWaiting, clock }: UntilReadyOptions): {
  readonly elapsed: Promise<'timeout'>;
  readonly cancel: () => void;
} {
  let timer: Timer | undefined;
  const elapsed = new Promise<'timeout'>((resolve) => {
    const start = (): void => {
      timer = clock.setTimeout(() => (isWaiting() ? start() : resolve('timeout')), timeoutMs);
    };
    start();
  });
  return { elapsed, cancel: () => timer?.cancel() };
}

async function startError(
  first: 'timeout' | StartFailure | ExitReason,
  { description, timeoutMs, logLines, outputRead }: UntilReadyOptions,
): Promise<WorkerStartError> {
  if (first === 'timeout') {
    const message = `${description} was not ready within ${timeoutMs} ms`;
    return new WorkerStartError('READY_TIMEOUT', message, logLines());
  }
  if ('message' in first) {
    const message = `${description} failed to start: ${first.message}`;
    return new WorkerStartError('START_FAILED', message, [], { cause: new RemoteError(first, description) });
  }
  await outputRead();
  const code = first.signal === null ? 'EXITED_BEFORE_READY' : 'KILLED_BEFORE_READY';
  return new WorkerStartError(code, `${description} ${describeExit(first)} before it was ready`, logLines());
}
