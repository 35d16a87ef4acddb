import type { SettledReply } from '../../core/worker/WorkerPool.js';

/**
 * @returns the first thing that any worker found, or null where all of them looked and none has it.
 * @throws the first failure, where nobody found it and not everybody could look: "not found" would be a guess then.
 */
export function firstFound<Thing>(replies: readonly SettledReply<Thing | null>[]): Thing | null {
  let failure: { reason: unknown } | undefined;
  for (const reply of replies) {
    if (reply.status === 'rejected') failure ??= reply;
    else if (reply.value !== null) return reply.value;
  }
  if (failure !== undefined) throw failure.reason;
  return null;
}
