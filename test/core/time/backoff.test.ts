import { describe, expect, it } from 'vitest';
import { Backoff } from '../../../src/core/time/backoff.js';
import { ManualClock } from '../../support/ManualClock.js';

const next = (backoff: Backoff, times: number): number[] => Array.from({ length: times }, () => backoff.nextDelayMs());

describe('Backoff', () => {
  it('waits 0 s, 1 s, 2 s ... and never more than 60 s', () => {
    const backoff = new Backoff({ clock: new ManualClock(), random: () => 0 });
    expect(next(backoff, 10)).toEqual([0, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000]);
    expect(next(backoff, 2000).at(-1)).toBe(60_000);
  });

  it('cuts each wait by up to a quarter at random', () => {
    const backoff = new Backoff({ clock: new ManualClock(), random: () => 0.999 });
    expect(next(backoff, 4)).toEqual([0, 750, 1501, 3001]);
  });

  it('can begin with a wait', () => {
    const backoff = new Backoff({ clock: new ManualClock(), firstDelayMs: 1000, baseDelayMs: 2000, random: () => 0 });
    expect(next(backoff, 3)).toEqual([1000, 2000, 4000]);
  });

  it('forgets failures after 5 minutes of health, and not before', async () => {
    const clock = new ManualClock();
    const backoff = new Backoff({ clock, random: () => 0 });
    next(backoff, 3);
    backoff.markHealthy();
    await clock.advance(299_999);
    expect(backoff.nextDelayMs()).toBe(4000);
    backoff.markHealthy();
    await clock.advance(200_000);
    backoff.markHealthy();
    await clock.advance(100_000);
    expect(backoff.nextDelayMs()).toBe(0);
    expect(backoff.failures).toBe(1);
  });

  it('does not take time without health for health', async () => {
    const clock = new ManualClock();
    const backoff = new Backoff({ clock, random: () => 0 });
    next(backoff, 2);
    await clock.advance(3_600_000);
    expect(backoff.nextDelayMs()).toBe(2000);
  });
});
