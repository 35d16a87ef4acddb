import { messageText } from '../ipc/Envelope.js';

/**
 * The messages that `BaseWorker` and `WorkerConnection` exchange for themselves, beside those of the contract. `ready` is a plain
 * name because it is part of the public interface. The others begin with `@`, so that no contract uses them.
 */
export const READY = 'ready';
/** To the worker: end in an orderly way. The worker answers with {@link STOPPED} and closes the connection. */
export const STOP = '@stop';
/**
 * To a worker that looks for a new master: this one does not know it, and never will. It must end: others do its work. No data.
 */
export const DISMISSED = '@dismissed';
export const DISMISSAL = messageText('event', 1, DISMISSED, undefined);
/** To the master: the worker has nothing left to do, and closes the connection next. */
export const STOPPED = '@stopped';
/** To the master: `start()` threw. Data is a {@link StartFailure}. The process ends next. */
export const FAILED = '@failed';

export interface StartFailure {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  readonly stack?: string;
}

/** @returns a failure whatever the data is: a worker that fails may not describe it well. */
export function parseStartFailure(data: unknown): StartFailure {
  const { name, message, code, stack } = Object(data) as Partial<Record<keyof StartFailure, unknown>>;
  return {
    name: typeof name === 'string' ? name : 'Error',
    message: typeof message === 'string' ? message : 'it did not say why',
    ...(typeof code === 'string' ? { code } : {}),
    ...(typeof stack === 'string' ? { stack } : {}),
  };
}

/** To the master, every {@link ALIVE_INTERVAL_MS}: the event loop turns. Data is a {@link Vitals}. */
export const ALIVE = '@alive';
export const ALIVE_INTERVAL_MS = 500;
/** To a master that took over: a line of output, because the pipe led to the old master. Data is a {@link LoggedLine}. */
export const LOGGED = '@logged';

/** How a worker's process is doing. */
export interface Vitals {
  /** How much later than planned its event loop came to this message, in milliseconds. */
  readonly lagMs: number;
  readonly rssBytes: number;
  readonly heapUsedBytes: number;
  /** V8's limit of the heap. */
  readonly heapLimitBytes: number;
}

/**
 * To a spare: who it is from now on. Data is an {@link Assignment}. The spare closes this connection, and calls back as the worker
 * that it has become.
 */
export const ASSIGN = '@assign';

export interface Assignment {
  readonly id: number;
  /** Which life of this id it is, from 1. */
  readonly generation: number;
  /** What the worker shows when it calls back. */
  readonly secret: string;
}

export interface LoggedLine {
  readonly line: string;
}
