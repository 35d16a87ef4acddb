import { WorkerNotFoundError } from '../../core/errors.js';
import type { SettledReply } from '../../core/worker/WorkerPool.js';

/**
 * @param replies of all workers that run.
 * @param workerCount how many there should be.
 * @returns the first thing that any worker found, or null where all of them looked and none has it.
 * @throws the first failure, where nobody found it and not everybody could look: "not found" would be a guess then.
 */
export function firstFound<Thing>(replies: readonly SettledReply<Thing | null>[], workerCount: number): Thing | null {
  let failure: { reason: unknown } | undefined;
  for (const reply of replies) {
    if (reply.status === 'rejected') failure ??= reply;
    else if (reply.value !== null) return reply.value;
  }
  if (failure !== undefined) throw failure.reason;
  const asked = new Set(replies.map(({ workerId }) => workerId));
  for (let id = 0; id < workerCount; id++) {
    if (!asked.has(id)) throw new WorkerNotFoundError('cluster', id, 'is not running, so it could not be asked');
  }
  return null;
}
