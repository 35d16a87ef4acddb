import { describe, expect, it } from 'vitest';
import { Backoff } from '../../../src/core/time/backoff.js';

const next = (backoff: Backoff, times: number): number[] => Array.from({ length: times }, () => backoff.nextDelayMs());

describe('Backoff', () => {
  it('waits 0 s, 1 s, 2 s ... and never more than 60 s', () => {
    const backoff = new Backoff({ random: () => 0 });
    expect(next(backoff, 10)).toEqual([0, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000]);
    expect(next(backoff, 2000).at(-1)).toBe(60_000);
  });

  it('cuts each wait by up to a quarter at random', () => {
    const backoff = new Backoff({ random: () => 0.999 });
    expect(next(backoff, 4)).toEqual([0, 750, 1501, 3001]);
  });

  it('can begin with a wait', () => {
    const backoff = new Backoff({ firstDelayMs: 1000, baseDelayMs: 2000, random: () => 0 });
    expect(next(backoff, 3)).toEqual([1000, 2000, 4000]);
  });

  it('begins again once it works', () => {
    const backoff = new Backoff({ random: () => 0 });
    next(backoff, 3);
    expect(backoff.failures).toBe(3);
    backoff.reset();
    expect(next(backoff, 2)).toEqual([0, 1000]);
  });
});
