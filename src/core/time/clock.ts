import { performance } from 'node:perf_hooks';
import { AbortError } from '../errors.js';

/** A timer under way. Cancelling it twice, or after it fired, does nothing. */
export interface Timer {
  cancel(): void;
}

/**
 * Time as a dependency, for whatever decides by it: tests hand in a clock that they turn by hand, and a day passes in a
 * millisecond.
 */
export interface Clock {
  /** Milliseconds that only ever grow, with fractions; says nothing about the date. For durations and deadlines. */
  now(): number;
  /** Milliseconds since 1970. Can jump. For what is stored, or shown to people. */
  wallNow(): number;
  /**
   * Calls back once, after `delayMs` or a moment sooner: Node may fire a timer up to 1 ms early, and a delay beyond 24 days
   * is cut to that. Whoever needs the exact moment looks at `now()` again and sets the timer for the rest.
   */
  setTimeout(callback: () => void, delayMs: number): Timer;
}

/** Largest delay of Node's timers; a larger one would fire at once. */
const MAX_DELAY_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => performance.now(),
  wallNow: () => Date.now(),
  setTimeout(callback, delayMs) {
    const handle = setTimeout(callback, Math.min(delayMs, MAX_DELAY_MS));
    return { cancel: () => clearTimeout(handle) };
  },
};

/**
 * Waits.
 *
 * @throws AbortError as soon as `signal` fires; the timer is gone by then.
 */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      timer?.cancel();
      reject(new AbortError('sleep', signal?.reason));
    };
    let timer: Timer | undefined;
    if (signal?.aborted) return abort();
    signal?.addEventListener('abort', abort, { once: true });
    timer = clock.setTimeout(() => {
      signal?.removeEventListener('abort', abort);
      resolve();
    }, delayMs);
  });
}
