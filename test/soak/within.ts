import { setTimeout as sleep } from 'node:timers/promises';

/** @throws Error where the promise is not settled in time. */
export async function within<Value>(limitMs: number, promise: Promise<Value>): Promise<Value> {
  const timer = new AbortController();
  const late = sleep(limitMs, undefined, { signal: timer.signal }).then(() => {
    throw new Error(`it did not end within ${limitMs} ms`);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    timer.abort();
    // Its own rejection is nobody's concern any more.
    late.catch(() => undefined);
  }
}
