import { performance } from 'node:perf_hooks';

/**
 * Milliseconds since the epoch, but monotonic. `Date.now()` jumps when somebody sets the machine's clock, and a gap between
 * two IDENTIFYs would look shorter or longer than it was. Every time in the account comes from this clock.
 */
export function now(): number {
  return performance.timeOrigin + performance.now();
}
