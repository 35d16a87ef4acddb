import type { ProcessEnd } from '../../core/contracts/ClusterContract.js';
import type { OnStack } from './StackMark.js';

/** What blocks the event loop for so long is no accident, in milliseconds. */
const BLOCKING_MS = 1_000;
/** What was on the stack of so many processes that ended is to blame, however they ended. */
const MAX_RUNS = 2;

/**
 * Whether the dispatch that was on the stack of a process is to blame for its end (`culprit`), or may only have been there in
 * the wrong moment (`suspect`): a `kill -9` from outside hits whatever runs just then.
 *
 * @param end undefined where nobody knows how the process ended: its master has ended too.
 */
export function judgeMark({ runs, enteredAt }: OnStack, end: ProcessEnd | undefined): 'culprit' | 'suspect' {
  if (runs >= MAX_RUNS) return 'culprit';
  if (end === undefined) return 'suspect';
  return end.cause === 'itself' || end.steadyAt - enteredAt >= BLOCKING_MS ? 'culprit' : 'suspect';
}
