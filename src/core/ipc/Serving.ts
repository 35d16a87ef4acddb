import type { ReplyFunction } from './contract.js';
import type { Entry } from './IdTable.js';

/** A request of the other end that a handler works on. */
export interface Serving extends Entry<Serving> {
  /** Whether it is answered, or nobody waits for an answer any more. */
  isOver: boolean;
  /** Aborts the handler's signal. Made when the handler asks for the signal: most never do. */
  controller?: AbortController;
}

const SERVING = Symbol('serving');

/** One getter for all reply functions. With a getter of its own, each function would have a shape of its own in V8. */
const SIGNAL: PropertyDescriptor & ThisType<{ readonly [SERVING]: Serving }> = {
  get() {
    this[SERVING].controller ??= new AbortController();
    return this[SERVING].controller.signal;
  },
};

/** @returns the function that a handler calls to answer. */
export function replyFunction(answer: (value: unknown) => void, serving: Serving): ReplyFunction<unknown> {
  const reply = Object.assign((value: unknown) => answer(value), { [SERVING]: serving });
  return Object.defineProperty(reply, 'signal', SIGNAL) as typeof reply & ReplyFunction<unknown>;
}

/** For events: nobody waits for an answer, and nobody can give them up. */
const NO_REPLY = replyFunction(() => undefined, { id: 0, isOver: true });
export const noReply = (): ReplyFunction<unknown> => NO_REPLY;
