import type { ProcessEnd } from '../../core/contracts/ClusterContract.js';
import { judgeMark } from './judgeMark.js';
import type { ShardDeath } from './ShardDeath.js';
import type { FoundMark } from './StackMark.js';

/**
 * Finds out what the processes died of that had some shards before, from what each had on its stack.
 *
 * @param marks one for each shard; undefined where there is none.
 * @param endOf asks how a process ended; undefined where nobody knows.
 * @returns for each shard what is known, in the same order.
 */
export async function inquire(
  marks: readonly (FoundMark | undefined)[],
  endOf: (pid: number) => Promise<ProcessEnd | undefined>,
): Promise<readonly (ShardDeath | undefined)[]> {
  const pids = [...new Set(marks.flatMap((mark) => (mark === undefined ? [] : [mark.pid])))];
  // One process serves many shards, and what it died of was on the stack for one of them.
  const ends = new Map(await Promise.all(pids.map(async (pid) => [pid, await endOf(pid)] as const)));
  const blames = marks.map(
    (mark) => mark?.onStack && { ...mark.onStack, verdict: judgeMark(mark.onStack, ends.get(mark.pid)) },
  );
  const explained = new Set(
    marks.flatMap((mark, index) => (mark && blames[index]?.verdict === 'culprit' ? [mark.pid] : [])),
  );
  return marks.map((mark, index) => {
    if (mark === undefined) return undefined;
    const { pid, newest } = mark;
    const end = ends.get(pid);
    const unexplained = end === undefined || end.cause === 'killed' ? 'killed' : 'unexplained';
    return { pid, newest, end, cause: explained.has(pid) ? 'explained' : unexplained, blamed: blames[index] };
  });
}
