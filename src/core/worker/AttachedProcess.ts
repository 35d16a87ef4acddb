import type { ExitReason } from '../errors.js';
import { isRunning, type ProcessIdentity } from '../files/processIdentity.js';

/** How often this looks whether the process still runs, in milliseconds. */
const POLL_MS = 100;

/**
 * A worker's process that another master has spawned. The system tells only the parent how a process ended. So this one looks
 * whether it still runs, and its exit has neither code nor signal.
 */
export class AttachedProcess {
  public readonly exited: Promise<ExitReason>;
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

  /** Sends a signal; does nothing where the process has ended. */
  public signal(signal: NodeJS.Signals): void {
    // Another process may have got the pid by now.
    if (isRunning(this.#identity) !== true) return;
    try {
      process.kill(this.#identity.pid, signal);
    } catch {
      // It ended between the two lines.
    }
  }

  /** Stops looking: `exited` never resolves then. */
  public abandon(): void {
    clearInterval(this.#timer);
  }
}
