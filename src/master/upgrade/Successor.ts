import { type ChildProcess, spawn } from 'node:child_process';
import type { ExitReason } from '../../core/errors.js';

/** A new master in a process of its own. Neither promise ever rejects: how it goes is a fact here, not an error. */
export interface Successor {
  /** Resolves when it says that it serves; never, where it does not. */
  readonly serving: Promise<void>;
  /** Resolves with how its process ended, or with the error that kept it from being started. */
  readonly ended: Promise<ExitReason | Error>;
  /** Sends a signal; does nothing where the process has ended. */
  signal(signal: NodeJS.Signals): void;
}

const SERVING = 'running';

/** Set for a successor. The master that started it waits for its end, and starts the next one. */
const UPGRADED_VARIABLE = 'KALLISTI_UPGRADED';

/** Starts the program of this process once more, from what is on disk now, as a {@link Successor}. */
export class SuccessorProcess implements Successor {
  public readonly serving: Promise<void>;
  public readonly ended: Promise<ExitReason | Error>;
  readonly #child: ChildProcess;

  /** @param args Node's own flags, the program, its arguments. */
  public constructor(args: readonly string[]) {
    const child = spawn(process.execPath, args, {
      stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
      env: { ...process.env, [UPGRADED_VARIABLE]: '1' },
    });
    this.#child = child;
    this.ended = new Promise((resolve) => {
      child.once('exit', (code, signal) => resolve({ code, signal }));
      // It also comes for a signal that could not be sent. The process has started then, and its end is still to come.
      child.on('error', (error) => {
        if (child.pid === undefined) resolve(error);
      });
    });
    this.serving = new Promise((resolve) => {
      child.on('message', (message) => {
        // The program may be a bot's own, and send other messages before.
        if (message !== SERVING) return;
        child.disconnect();
        resolve();
      });
    });
  }

  public signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }
}

/** The master whose upgrade started this process, as this process sees it. */
export class Predecessor {
  readonly #startedThis = process.env[UPGRADED_VARIABLE] !== undefined;
  readonly #pid = process.ppid;

  public constructor() {
    // The processes that this one starts must not inherit it: they are no masters.
    delete process.env[UPGRADED_VARIABLE];
  }

  /** Whether it waits for the end of this process. Where it was killed, nobody does. */
  public get waits(): boolean {
    return this.#startedThis && process.ppid === this.#pid;
  }

  /** Sends it the message that this master serves. */
  public tellServing(): void {
    if (!this.waits) return;
    // It may be killed at this very moment. Without the callback that would be an uncaught error.
    process.send?.(SERVING, undefined, undefined, () => undefined);
  }
}
