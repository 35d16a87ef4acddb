import { performance } from 'node:perf_hooks';
import { AbortError } from '../errors.js';

/** A timer that is set. To cancel it twice, or after it has fired, does nothing. */
export interface Timer {
  cancel(): void;
}

/**
 * Time as a dependency of code that decides by it. Tests hand in a clock that they turn by hand, and a day passes in a
 * millisecond.
 */
export interface Clock {
  /** Milliseconds, with fractions, that never go back and say nothing about the date. For durations and deadlines. */
  now(): number;
  /** Milliseconds since 1970. They can jump. For what is stored or shown to people. */
  wallNow(): number;
  /**
   * Calls back once, after `delayMs` milliseconds or a moment sooner: Node may fire a timer up to 1 ms early. A delay beyond 24
   * days is cut to that. Code that needs the exact moment looks at `now()` again, and sets a timer for the rest.
   */
  setTimeout(callback: () => void, delayMs: number): Timer;
}

/** The longest delay of Node's timers, in milliseconds. A timer with a longer one fires at once. */
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
 * Waits for `delayMs` milliseconds.
 *
 * @throws AbortError as soon as `signal` fires. The timer is gone by then.
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
