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
