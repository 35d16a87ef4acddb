import type { Readable } from 'node:stream';
import type { ExitReason } from '../errors.js';
import { isRunning, type ProcessIdentity } from '../files/processIdentity.js';

/** How often it is looked whether the process still runs, in milliseconds. */
const POLL_MS = 100;

/** A process as a connection needs it: its own child, or one that an earlier master has left. */
export interface WorkerHandle {
  readonly pid: number | undefined;
  readonly exited: Promise<ExitReason>;
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
  signal(signal: NodeJS.Signals): void;
  /** Leaves the process to others. */
  abandon(): void;
}

/**
 * A worker process that another master has spawned. The system tells only its parent how it ended, so its exit is seen by
 * looking, and has neither code nor signal. Its output is gone with that master.
 */
export class AttachedProcess implements WorkerHandle {
  public readonly exited: Promise<ExitReason>;
  public readonly stdout = null;
  public readonly stderr = null;
  readonly #identity: ProcessIdentity;
  #timer: NodeJS.Timeout | undefined;

  public constructor(identity: ProcessIdentity) {
    this.#identity = identity;
    this.exited = new Promise((resolve) => {
      const look = (): void => {
        if (isRunning(identity) === true) return;
        clearInterval(this.#timer);
        resolve({ code: null, signal: null });
      };
      this.#timer = setInterval(look, POLL_MS);
      look();
    });
  }

  public get pid(): number {
    return this.#identity.pid;
  }

  public signal(signal: NodeJS.Signals): void {
    // Another process may have got the pid by now.
    if (isRunning(this.#identity) !== true) return;
    try {
      process.kill(this.pid, signal);
    } catch {
      // It ended between the two lines.
    }
  }

  public abandon(): void {
    clearInterval(this.#timer);
  }
}
