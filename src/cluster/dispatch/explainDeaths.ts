import type { ProcessEnd } from '../../core/contracts/ClusterContract.js';
import type { FoundMark, OnStack } from './StackMark.js';

/**
 * `explained`: the process died of what it had on its stack, for this shard or another one. What only waited is not to blame
 * then, however often it has run. `killed`: from outside, or nobody knows how. `unexplained`: any other end.
 */
export type DeathCause = 'explained' | 'killed' | 'unexplained';

/** What is known of the end of the process that had a shard before. */
export interface ShardDeath {
  readonly pid: number;
  readonly cause: DeathCause;
  /** The newest dispatch that it has had on its stack for this shard. */
  readonly newest: FoundMark['newest'];
  /** Undefined where nobody knows. */
  readonly end: ProcessEnd | undefined;
  /** What was on its stack for this shard. */
  readonly blamed: (OnStack & { readonly verdict: Verdict }) | undefined;
}

/** `culprit`: it is to blame for the end. `suspect`: it may only have been on the stack at the wrong moment. */
type Verdict = 'culprit' | 'suspect';

/** What blocks the event loop for so long is no accident, in milliseconds. */
const BLOCKING_MS = 1_000;
/** What was on the stack of so many processes that ended is to blame, however they ended. */
const MAX_RUNS = 2;

/**
 * Finds out what the last processes of some shards died of, from what each had on its stack.
 *
 * @param marks one for each shard; undefined where there is none.
 * @param endOf asks how a process ended; undefined where nobody knows. Must not reject.
 * @returns for each shard what is known, in the same order.
 */
export async function explainDeaths(
  marks: readonly (FoundMark | undefined)[],
  endOf: (pid: number) => Promise<ProcessEnd | undefined>,
): Promise<readonly (ShardDeath | undefined)[]> {
  const pids = [...new Set(marks.flatMap((mark) => mark?.pid ?? []))];
  const ends = new Map(await Promise.all(pids.map(async (pid) => [pid, await endOf(pid)] as const)));
  const blames = marks.map(
    (mark) => mark?.onStack && { ...mark.onStack, verdict: judgeMark(mark.onStack, ends.get(mark.pid)) },
  );
  // One process serves many shards, and what it died of was on the stack for one of them.
  const explained = new Set(marks.flatMap((mark, index) => (blames[index]?.verdict === 'culprit' ? [mark?.pid] : [])));
  return marks.map((mark, index) => {
    if (mark === undefined) return undefined;
    const { pid, newest } = mark;
    const end = ends.get(pid);
    const unexplained = end === undefined || end.cause === 'killed' ? 'killed' : 'unexplained';
    return { pid, newest, end, cause: explained.has(pid) ? 'explained' : unexplained, blamed: blames[index] };
  });
}

/** A `kill -9` from outside hits whatever runs just then. @param end undefined where nobody knows: the master has ended too. */
function judgeMark({ runs, enteredAt }: OnStack, end: ProcessEnd | undefined): Verdict {
  if (runs >= MAX_RUNS) return 'culprit';
  if (end === undefined) return 'suspect';
  return end.cause === 'itself' || end.steadyAt - enteredAt >= BLOCKING_MS ? 'culprit' : 'suspect';
}
