import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { restoreState, saveState } from '../../src/cluster/botState.js';
import { ManualClock } from '../support/ManualClock.js';

/** Runs until the time of the bot's function is over. @returns the error's code and message. */
async function failureOf(run: (clock: ManualClock) => Promise<unknown>): Promise<string> {
  const clock = new ManualClock();
  const outcome = run(clock).then(
    () => 'no error',
    (error: { code: string; message: string }) => `${error.code}: ${error.message}`,
  );
  await clock.advance(2_000);
  expect(clock.pendingTimers).toBe(0);
  return outcome;
}

const never = (): Promise<never> => new Promise(() => {});
const throws = (): never => {
  throw new Error('no room');
};

describe('saveState', () => {
  it('hands over what the bot returns, at once or later', async () => {
    const clock = new ManualClock();
    expect(await saveState(() => ({ games: [1] }), clock)).toEqual({ state: { games: [1] } });
    expect(await saveState(async () => null, clock)).toEqual({ state: null });
    expect(clock.pendingTimers).toBe(0);
  });

  it('hands over nothing where the bot has no such function, or returns nothing', async () => {
    expect(await saveState(undefined)).toEqual({});
    expect(await saveState(() => undefined)).toEqual({});
  });

  it('has two seconds, and not one millisecond less', async () => {
    const clock = new ManualClock();
    const finished = new AbortController();
    const saved = saveState(async () => {
      await once(finished.signal, 'abort');
      return 'in time';
    }, clock);
    await clock.advance(1_999);
    finished.abort();
    expect(await saved).toEqual({ state: 'in time' });
  });

  const circular: { self?: unknown } = {};
  circular.self = circular;

  it.each([
    ['throws', throws, 'saveState threw: no room'],
    ['rejects', () => Promise.reject(new Error('no room')), 'saveState threw: no room'],
    ['rejects with no error', () => Promise.reject('just a text'), 'saveState threw: just a text'],
    ['never ends', never, 'saveState did not end within 2000 ms'],
    ['returns a function', () => throws, 'saveState returned what cannot be written as JSON: a function'],
    ['returns a bigint', () => 1n, /^saveState returned what cannot be written as JSON: .*BigInt/],
    ['returns a circle', () => circular, /^saveState returned what cannot be written as JSON: .*circular/],
  ])('fails the handover where the bot %s', async (_name, save, message) => {
    const failure = await failureOf((clock) => saveState(save, clock));
    expect(failure).toMatch(/^HANDOVER_FAILED: /);
    expect(failure.slice('HANDOVER_FAILED: '.length)).toEqual(
      typeof message === 'string' ? message : expect.stringMatching(message),
    );
  });

  it('leaves no unhandled rejection where the bot fails after its time', async () => {
    const failed = new AbortController();
    const save = async (): Promise<void> => {
      await once(failed.signal, 'abort');
      throw new Error('too late');
    };
    expect(await failureOf((clock) => saveState(save, clock))).toMatch(/did not end/);
    failed.abort();
    // Vitest fails a run with an unhandled rejection.
    await new Promise(setImmediate);
  });
});

describe('restoreState', () => {
  it('gives the state to the bot, and waits for it', async () => {
    const seen: unknown[] = [];
    await restoreState(
      async (state) => {
        await new Promise(setImmediate);
        seen.push(state);
      },
      { games: [1] },
    );
    expect(seen).toEqual([{ games: [1] }]);
  });

  it.each([
    ['throws', throws, 'HANDOVER_FAILED: restoreState threw: no room'],
    ['never ends', never, 'HANDOVER_FAILED: restoreState did not end within 2000 ms'],
  ])('fails the start where the bot %s', async (_name, restore, failure) => {
    expect(await failureOf((clock) => restoreState(restore, {}, clock))).toBe(failure);
  });
});
