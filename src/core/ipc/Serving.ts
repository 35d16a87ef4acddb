import type { ReplyFunction } from './contract.js';
import type { Entry } from './IdTable.js';

/** A request of the other end that a handler is at work on. */
export interface Serving extends Entry<Serving> {
  /** It is answered, or nobody waits for an answer any more. */
  isOver: boolean;
  /** Aborts the handler's signal. Made only where the handler asks for it: most never do. */
  controller?: AbortController;
}

const SERVING = Symbol('serving');

/** One for all reply functions: with a getter of its own, each would be a shape of its own to V8. */
const SIGNAL: PropertyDescriptor & ThisType<{ readonly [SERVING]: Serving }> = {
  get() {
    this[SERVING].controller ??= new AbortController();
    return this[SERVING].controller.signal;
  },
};

/** Builds what a handler calls to answer. */
export function replyFunction(answer: (value: unknown) => void, serving: Serving): ReplyFunction<unknown> {
  const reply = Object.assign((value: unknown) => answer(value), { [SERVING]: serving });
  return Object.defineProperty(reply, 'signal', SIGNAL) as typeof reply & ReplyFunction<unknown>;
}

/** An event has nobody to answer, and nobody who could give it up. */
const NO_REPLY = replyFunction(() => undefined, { id: 0, isOver: true });
export const noReply = (): ReplyFunction<unknown> => NO_REPLY;
