import type { Readable } from 'node:stream';
import type { ExitReason } from '../errors.js';
import type { ProcessIdentity } from '../files/processIdentity.js';
import type { Transport } from '../ipc/Transport.js';
import type { WorkerRecord } from './WorkerRegistry.js';

/** What a host needs to know to start one life of a worker. */
export interface WorkerLaunch {
  readonly id: number;
  /** Name of the entry point, such as `cluster`. */
  readonly kind: string;
  /** Which life of this id it is, from 1. */
  readonly generation: number;
  /** The worker's program, see `findEntrypoint`. */
  readonly entrypoint: string;
  /** Arguments of the program. */
  readonly args: readonly string[];
  /** Node's own flags. */
  readonly execArgv: readonly string[];
  /** Added to the host's own environment; `undefined` removes a variable. */
  readonly env: NodeJS.ProcessEnv;
  /** The process is a spare. It gets its id and generation later. Default false. */
  readonly isSpare?: boolean | undefined;
}

/** The process of a worker, wherever it runs. How it ends is a fact here, not an error. */
export interface WorkerProcess {
  readonly identity: ProcessIdentity;
  /** What the worker shows when it calls back. A later master needs it to take the worker over. */
  readonly secret: string;
  /** Resolves when the process has ended; never rejects. */
  readonly exited: Promise<ExitReason>;
  /** Its output; null where nobody can read it. A grandchild that inherited it may hold it open after the exit. */
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
  /** Sends a signal; does nothing where the process has ended. */
  signal(signal: NodeJS.Signals): void;
  /** This master needs the process no longer: it has ended, or another master takes it over. It is not ended by this. */
  release(): void;
}

/**
 * A worker has called back. Messages go to the listener that this sets, so it must set one before it returns.
 *
 * @param wasReady Whether the worker had said `ready` to an earlier master.
 */
export type OnConnected = (transport: Transport, wasReady: boolean) => void;

/** Where one worker is expected to call back, once. */
export interface WorkerLine {
  /** What the worker must show. */
  readonly secret: string;
  /** Expects nobody any more. */
  readonly close: () => void;
}

/**
 * Where workers run: makes their processes, and lets them call back. A `WorkerConnection` knows neither how a process is
 * made nor what its messages travel on.
 */
export interface WorkerHost {
  /**
   * Starts a worker's process. `onConnected` is called at most once, and never after `release`.
   *
   * @throws Error where there is no process afterwards; the message says why.
   */
  spawn(launch: WorkerLaunch, onConnected: OnConnected): Promise<WorkerProcess>;
  /**
   * Finds the process of a worker that an earlier master has left running. One that is gone is found too: its `exited`
   * resolves at once.
   *
   * @throws Error where the worker could not call back; the message says why.
   */
  attach(record: WorkerRecord, onConnected: OnConnected): Promise<WorkerProcess>;
}

/** A host that can also expect a process that runs already: a spare, which calls back as the worker that it becomes. */
export interface SpareHost extends WorkerHost {
  openLine(onConnected: OnConnected): Promise<WorkerLine>;
}
