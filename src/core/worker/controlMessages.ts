/**
 * The messages that `BaseWorker` and `WorkerConnection` exchange for themselves, beside those of the contract.
 * `ready` is a plain name because it is part of the public interface; the others cannot collide with a contract's names.
 */
export const READY = 'ready';
/** To the worker: end in an orderly way. It answers with {@link STOPPED} and closes the connection. */
export const STOP = '@stop';
/** To the master: nothing is left to do here, the connection closes next. */
export const STOPPED = '@stopped';
/** To the master: `start()` threw; data is a {@link StartFailure}. The process ends next. */
export const FAILED = '@failed';

export interface StartFailure {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  readonly stack?: string;
}

/** @returns a failure in any case: whoever fails may not manage to say so well. */
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
/** To the master that took over: a line of output, since the pipe to the old one is gone. Data is a {@link LoggedLine}. */
export const LOGGED = '@logged';

/** How a worker's process is doing. */
export interface Vitals {
  /** How much later than planned its event loop came round, in milliseconds; the worst since the last time. */
  readonly lagMs: number;
  readonly rssBytes: number;
  readonly heapUsedBytes: number;
  /** V8's own limit of the heap. */
  readonly heapLimitBytes: number;
}

export interface LoggedLine {
  readonly line: string;
}
