import { type Clock, systemClock, type Timer } from './clock.js';

/**
 * Waits for `promise`, but no longer than `timeoutMs`. Leaves no timer.
 *
 * @param clock Default: the system's.
 * @returns whether the promise was first; its rejection counts as first too.
 */
export async function within(
  promise: Promise<unknown>,
  timeoutMs: number,
  clock: Pick<Clock, 'setTimeout'> = systemClock,
): Promise<boolean> {
  let timer: Timer | undefined;
  const timeout = new Promise<boolean>((resolve) => {
    timer = clock.setTimeout(() => resolve(false), timeoutMs);
  });
  const settled = promise.then(
    () => true,
    () => true,
  );
  try {
    return await Promise.race([settled, timeout]);
  } finally {
    timer?.cancel();
  }
}
