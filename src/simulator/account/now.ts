import { performance } from 'node:perf_hooks';

/**
 * Milliseconds since the epoch, but monotonic: `Date.now()` jumps when the machine's clock is set, and then a gap between
 * two IDENTIFYs would look shorter or longer than it was. Every time in the account is of this clock.
 */
export function now(): number {
  return performance.timeOrigin + performance.now();
}
