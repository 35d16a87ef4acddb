import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { sleep, systemClock } from '../../../src/core/time/clock.js';
import { ManualClock } from '../../support/ManualClock.js';

describe('sleep', () => {
  it('ends when the time has passed, and leaves no listener on the signal', async () => {
    const clock = new ManualClock();
    const abort = new AbortController();
    let awake = false;
    const sleeping = sleep(clock, 1000, abort.signal).then(() => {
      awake = true;
    });
    await clock.advance(999);
    expect(awake).toBe(false);
    await clock.advance(1);
    await sleeping;
    expect(getEventListeners(abort.signal, 'abort')).toEqual([]);
  });

  it('ends with AbortError as soon as the signal fires, and leaves no timer', async () => {
    const clock = new ManualClock();
    const abort = new AbortController();
    const sleeping = sleep(clock, 1000, abort.signal);
    abort.abort(new Error('enough'));
    await expect(sleeping).rejects.toMatchObject({ code: 'REQUEST_ABORTED', cause: new Error('enough') });
    await expect(sleep(clock, 1000, abort.signal)).rejects.toMatchObject({ code: 'REQUEST_ABORTED' });
    expect(clock.pendingTimers).toBe(0);
  });
});

describe('systemClock', () => {
  it('does not fire at once for a delay that is too long for a timer of Node', async () => {
    let fired = false;
    const timer = systemClock.setTimeout(() => {
      fired = true;
    }, 2 ** 40);
    await sleep(systemClock, 20);
    timer.cancel();
    timer.cancel();
    expect(fired).toBe(false);
  });
});
