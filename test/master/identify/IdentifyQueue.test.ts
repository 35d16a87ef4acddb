import { afterEach, describe, expect, it } from 'vitest';
import type { SessionStartLimit } from '../../../src/core/discord/sessionStartLimit.js';
import type { IdentifyRecord, IdentifyStore } from '../../../src/master/identify/IdentifyBudgetStore.js';
import {
  IdentifyQueue,
  type IdentifyQueueOptions,
  type IdentifySlot,
} from '../../../src/master/identify/IdentifyQueue.js';
import { ManualClock } from '../../support/ManualClock.js';
import { memoryLogger } from '../../support/memoryLogger.js';

const HOUR_MS = 3_600_000;

class MemoryStore implements IdentifyStore {
  public record: IdentifyRecord | undefined;

  public load(): IdentifyRecord | undefined {
    return this.record;
  }

  public save(record: IdentifyRecord): void {
    this.record = structuredClone(record);
  }
}

const limit = (changes: Partial<SessionStartLimit> = {}): SessionStartLimit => ({
  total: 1000,
  remaining: 1000,
  resetAfterMs: 24 * HOUR_MS,
  maxConcurrency: 1,
  ...changes,
});

/** A master's queue with what is around it; `grants` is the order and the moment in which slots went out. */
function setUp(
  options: Partial<IdentifyQueueOptions> & { limit?: Partial<SessionStartLimit>; started?: boolean } = {},
) {
  const clock = (options.clock as ManualClock | undefined) ?? new ManualClock();
  const store = (options.store as MemoryStore | undefined) ?? new MemoryStore();
  const log = memoryLogger();
  const queue = new IdentifyQueue({
    shardCount: 4,
    refresh: async () => limit(),
    ...options,
    logger: log.logger,
    clock,
    store,
  });
  queues.push(queue);
  if (options.started !== false) queue.start(limit(options.limit));
  const startedAt = clock.now();
  const grants: { shardId: number; atMs: number }[] = [];
  const slots = new Map<number, IdentifySlot>();
  const failures: { shardId: number; error: unknown }[] = [];

  /** Asks for a slot; `hold` says what the cluster does with it: `use` sends its IDENTIFY at once. */
  const ask = (
    shardId: number,
    hold: 'use' | 'keep' | 'giveBack' = 'use',
    more: { holder?: string; signal?: AbortSignal } = {},
  ): void => {
    queue.acquire({ shardId, holder: 'cluster 0', ...more }).then(
      (slot) => {
        grants.push({ shardId, atMs: clock.now() - startedAt });
        slots.set(shardId, slot);
        if (hold !== 'keep') slot.release(hold === 'use');
      },
      (error: unknown) => failures.push({ shardId, error }),
    );
  };
  const order = (): number[] => grants.map(({ shardId }) => shardId);
  return { clock, store, log, queue, grants, slots, failures, ask, order };
}

const queues: IdentifyQueue[] = [];
afterEach(() => {
  for (const queue of queues.splice(0)) queue.stop();
});

/** Time passes while it is looked at, as it does: two looks in one turn of the event loop differ. */
class MovingClock extends ManualClock {
  #base = 0;
  #looks = 0;

  public override now(): number {
    return super.now() + this.#passed();
  }

  public override wallNow(): number {
    return super.wallNow() + this.#passed();
  }

  #passed(): number {
    if (super.now() !== this.#base) this.#looks = 0;
    this.#base = super.now();
    return 0.02 * this.#looks++;
  }
}

describe('one key', () => {
  it('grants one after the other, each 5 s after the last was used', async () => {
    const { clock, grants, ask } = setUp();
    for (const shardId of [0, 1, 2]) ask(shardId);
    await clock.advance(12_000);
    expect(grants).toEqual([
      { shardId: 0, atMs: 0 },
      { shardId: 1, atMs: 5000 },
      { shardId: 2, atMs: 10_000 },
    ]);
  });

  it('counts the 5 s from the return of the slot, not from its grant', async () => {
    const { clock, grants, slots, ask } = setUp();
    ask(0, 'keep');
    ask(1);
    await clock.advance(3000);
    slots.get(0)?.release(true);
    await clock.advance(4999);
    expect(grants).toHaveLength(1);
    await clock.advance(1);
    expect(grants).toEqual([
      { shardId: 0, atMs: 0 },
      { shardId: 1, atMs: 8000 },
    ]);
  });

  it('grants the next at once when a slot comes back unused', async () => {
    const { clock, grants, ask } = setUp();
    ask(0, 'giveBack');
    ask(1);
    await clock.advance(0);
    expect(grants).toEqual([
      { shardId: 0, atMs: 0 },
      { shardId: 1, atMs: 0 },
    ]);
  });

  it('never grants too early, though timers fire too early', async () => {
    const { clock, grants, ask } = setUp({ clock: new ManualClock(undefined, 0.8) });
    for (const shardId of [0, 1, 2]) ask(shardId);
    await clock.advance(11_000);
    const gaps = grants.slice(1).map(({ atMs }, i) => atMs - (grants[i]?.atMs ?? 0));
    expect(gaps).toHaveLength(2);
    for (const gap of gaps) {
      expect(gap).toBeGreaterThanOrEqual(5000);
      expect(gap).toBeLessThan(5002);
    }
  });

  it('forgets nobody, though the moment passes while it looks at the clock', async () => {
    for (let earlyMs = 0.01; earlyMs < 1; earlyMs += 0.01) {
      const { clock, order, ask } = setUp({
        clock: new MovingClock(undefined, earlyMs),
        limit: { remaining: 2, resetAfterMs: 30_000 },
      });
      for (const shardId of [0, 1, 2, 3]) ask(shardId);
      await clock.advance(60_000);
      expect([earlyMs, ...order()]).toEqual([earlyMs, 0, 1, 2, 3]);
    }
  });

  it('goes by shard id among those who wait', async () => {
    const { clock, ask, order } = setUp();
    for (const shardId of [9, 3, 7, 1]) ask(shardId);
    await clock.advance(20_000);
    expect(order()).toEqual([9, 1, 3, 7]);
  });

  it('does not let a shard that crashes again and again starve those above it', async () => {
    const { clock, queue, order } = setUp({ shardCount: 3 });
    const seen: number[] = [];
    const crashLoop = async (): Promise<void> => {
      for (let i = 0; i < 4; i++) {
        const slot = await queue.acquire({ shardId: 0, holder: `cluster 0 life ${i}` });
        seen.push(0);
        slot.release(true);
      }
    };
    const once = async (shardId: number): Promise<void> => {
      const slot = await queue.acquire({ shardId, holder: 'cluster 1' });
      seen.push(shardId);
      slot.release(true);
    };
    const all = Promise.all([crashLoop(), once(1), once(2)]);
    await clock.advance(60_000);
    await all;
    expect(order()).toEqual([]);
    expect(seen).toEqual([0, 1, 2, 0, 0, 0]);
  });
});

describe('several keys', () => {
  it('run in parallel', async () => {
    const { clock, grants, ask } = setUp({ limit: { maxConcurrency: 4 } });
    for (let shardId = 0; shardId < 8; shardId++) ask(shardId);
    await clock.advance(6000);
    expect(grants.map(({ shardId, atMs }) => [shardId, atMs])).toEqual([
      [0, 0],
      [1, 0],
      [2, 0],
      [3, 0],
      [4, 5000],
      [5, 5000],
      [6, 5000],
      [7, 5000],
    ]);
  });

  it('do not wait for a slot that is out for another key', async () => {
    const { clock, ask, order } = setUp({ limit: { maxConcurrency: 2 } });
    ask(0, 'keep');
    ask(2);
    ask(1);
    ask(3);
    await clock.advance(6000);
    expect(order()).toEqual([0, 1, 3]);
  });
});

describe('slots', () => {
  it('of a dead holder come back as used, and its requests are dropped', async () => {
    const { clock, grants, failures, queue, ask } = setUp();
    ask(0, 'keep', { holder: 'cluster 0' });
    ask(1, 'use', { holder: 'cluster 0' });
    ask(2, 'use', { holder: 'cluster 1' });
    await clock.advance(1000);
    queue.releaseHolder('cluster 0');
    await clock.advance(10_000);
    expect(grants).toEqual([
      { shardId: 0, atMs: 0 },
      { shardId: 2, atMs: 6000 },
    ]);
    expect(failures).toEqual([{ shardId: 1, error: expect.objectContaining({ code: 'REQUEST_ABORTED' }) }]);
    expect(queue.state().remaining).toBe(998);
  });

  it('that do not return in 30 s count as used, with a warning', async () => {
    const { clock, grants, queue, log, ask } = setUp();
    ask(0, 'keep', { holder: 'cluster 3' });
    ask(1);
    await clock.advance(40_000);
    expect(grants).toEqual([
      { shardId: 0, atMs: 0 },
      { shardId: 1, atMs: 35_000 },
    ]);
    expect(log.warnings()).toEqual([expect.stringMatching(/cluster 3 kept the identify slot of shard 0/)]);
    expect(queue.state()).toMatchObject({ remaining: 998, slots: [] });
  });

  it('can be returned by their id, once', async () => {
    const { clock, queue, slots, ask } = setUp();
    ask(0, 'keep');
    await clock.advance(0);
    const id = slots.get(0)?.id ?? '';
    queue.release(id, true);
    queue.release(id, true);
    slots.get(0)?.release(true);
    queue.release('never heard of', true);
    expect(queue.state().remaining).toBe(999);
  });
});

describe('giving up', () => {
  it('leaves the queue when the signal fires', async () => {
    const { clock, failures, order, ask } = setUp();
    const abort = new AbortController();
    ask(0);
    ask(1, 'use', { signal: abort.signal });
    ask(2);
    await clock.advance(1000);
    abort.abort(new Error('no more'));
    await clock.advance(5000);
    expect(order()).toEqual([0, 2]);
    expect(failures).toEqual([{ shardId: 1, error: expect.objectContaining({ code: 'REQUEST_ABORTED' }) }]);
  });

  it('is refused at once with a signal that has fired', async () => {
    const { clock, failures, queue, ask } = setUp();
    ask(0, 'use', { signal: AbortSignal.abort() });
    await clock.advance(0);
    expect(failures).toHaveLength(1);
    expect(queue.state()).toMatchObject({ waiting: [], slots: [] });
  });

  it('on stop rejects all, counts slots as used and leaves no timer', async () => {
    const { clock, failures, queue, store, ask } = setUp();
    ask(0, 'keep');
    ask(1);
    ask(2);
    await clock.advance(1000);
    queue.stop();
    queue.stop();
    await clock.advance(0);
    expect(failures.map(({ shardId }) => shardId)).toEqual([1, 2]);
    expect(clock.pendingTimers).toBe(0);
    expect(store.record).toMatchObject({ remaining: 999, leasedShardIds: [] });
    await expect(queue.acquire({ shardId: 3, holder: 'cluster 0' })).rejects.toMatchObject({
      code: 'REQUEST_ABORTED',
    });
  });

  it('leaves no timer behind when everybody is served', async () => {
    const { clock, ask } = setUp();
    for (const shardId of [0, 1, 2]) ask(shardId);
    await clock.advance(60_000);
    expect(clock.pendingTimers).toBe(0);
  });
});

describe('the budget', () => {
  it('counts used slots only', async () => {
    const { clock, queue, ask } = setUp();
    ask(0);
    ask(1, 'giveBack');
    await clock.advance(10_000);
    expect(queue.state().remaining).toBe(999);
  });

  it('is waited for when it is spent, said once, and goes on with the new window', async () => {
    let refreshes = 0;
    const { clock, order, queue, log, ask } = setUp({
      limit: { remaining: 1, resetAfterMs: 20 * HOUR_MS },
      refresh: async () => {
        refreshes++;
        return limit();
      },
    });
    const resetAt = clock.wallNow() + 20 * HOUR_MS;
    for (const shardId of [0, 1, 2]) ask(shardId);
    await clock.advance(20 * HOUR_MS - 1000);
    expect(order()).toEqual([0]);
    expect(refreshes).toBe(0);
    expect(queue.state().budgetWait).toEqual({ until: resetAt, shardIds: [1, 2] });
    expect(log.warnings()).toEqual([expect.stringContaining(new Date(resetAt).toISOString())]);
    await clock.advance(7000);
    expect(order()).toEqual([0, 1, 2]);
    expect(refreshes).toBe(1);
    expect(log.warnings().length).toBe(1);
    expect(log.lines.at(-1)?.msg).toBe('the identify budget holds nobody up any more: 1000 of 1000 left');
    expect(queue.state()).toMatchObject({ remaining: 998, budgetWait: null });
  });

  it('holds nobody up any more when the last who waits for it gives up', async () => {
    const { clock, queue, ask } = setUp({ limit: { remaining: 0 } });
    const abort = new AbortController();
    ask(0, 'use', { signal: abort.signal });
    await clock.advance(1000);
    expect(queue.state().budgetWait).toMatchObject({ shardIds: [0] });
    abort.abort();
    expect(queue.state().budgetWait).toBeNull();
    expect(clock.pendingTimers).toBe(0);
  });

  it('never lets slots in parallel overdraw it', async () => {
    const { clock, order, slots, ask } = setUp({ limit: { remaining: 2, maxConcurrency: 16 } });
    for (let shardId = 0; shardId < 16; shardId++) ask(shardId, 'keep');
    await clock.advance(1000);
    expect(order()).toEqual([0, 1]);
    slots.get(0)?.release(false);
    await clock.advance(0);
    expect(order()).toEqual([0, 1, 2]);
    slots.get(1)?.release(true);
    slots.get(2)?.release(true);
    await clock.advance(10_000);
    expect(order()).toEqual([0, 1, 2]);
  });

  it('says beforehand whether a planned restart can be paid', () => {
    const { queue } = setUp({ limit: { remaining: 103 } });
    expect(queue.state().reserve).toBe(100);
    expect(() => queue.ensureRestartAffordable(3)).not.toThrow();
    expect(() => queue.ensureRestartAffordable(4)).toThrow(
      expect.objectContaining({ code: 'IDENTIFY_BUDGET_SPENT', message: expect.stringContaining('2026-01-02T00:00') }),
    );
  });

  it('lets shards spend the reserve: whoever asks for a slot is down', async () => {
    const { clock, order, queue, ask } = setUp({ limit: { remaining: 100 } });
    expect(() => queue.ensureRestartAffordable(1)).toThrow(expect.objectContaining({ code: 'IDENTIFY_BUDGET_SPENT' }));
    ask(0);
    await clock.advance(20_000);
    expect(order()).toEqual([0]);
    expect(queue.state()).toMatchObject({ remaining: 99, budgetWait: null });
  });

  it('goes on asking, with growing waits, while Discord cannot be asked', async () => {
    const attempts: number[] = [];
    const { clock, order, log, ask } = setUp({
      limit: { remaining: 0, resetAfterMs: 10_000 },
      refresh: async () => {
        attempts.push(clock.now());
        if (attempts.length < 4) throw new Error('unreachable');
        return limit();
      },
    });
    ask(0);
    await clock.advance(60_000);
    expect(order()).toEqual([0]);
    const gaps = attempts.slice(1).map((at, i) => Math.round((at - (attempts[i] ?? 0)) / 1000));
    expect(gaps).toEqual([1, 2, 4].map((seconds) => expect.closeTo(seconds, -0.5)));
    expect(log.warnings().filter((line) => line.includes('cannot ask Discord'))).toHaveLength(3);
    expect(log.warnings().filter((line) => line.includes('is spent'))).toHaveLength(1);
  });

  it('does not ask in a tight loop when Discord says "nothing left" and no end', async () => {
    let refreshes = 0;
    const { clock, order, ask } = setUp({
      limit: { remaining: 0, resetAfterMs: 0 },
      refresh: async () => limit({ remaining: ++refreshes < 5 ? 0 : 1000, resetAfterMs: 0 }),
    });
    ask(0);
    await clock.advance(5000);
    expect(refreshes).toBeLessThan(5);
    expect(order()).toEqual([]);
    await clock.advance(60_000);
    expect(order()).toEqual([0]);
  });

  it('asks again when a window has ended, though there was plenty left of it', async () => {
    const { clock, queue, ask } = setUp({ limit: { remaining: 500, resetAfterMs: HOUR_MS } });
    await clock.advance(2 * HOUR_MS);
    expect(queue.state().remaining).toBeNull();
    ask(0);
    await clock.advance(6000);
    // Used while Discord was being asked: whether its number holds that one already is unknown, so it is counted.
    expect(queue.state().remaining).toBe(999);
  });

  it('gives up asking Discord on stop', async () => {
    let aborted = false;
    const { clock, queue, ask } = setUp({
      limit: { remaining: 0, resetAfterMs: 1000 },
      refresh: (signal) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => {
            aborted = true;
            reject(signal.reason);
          });
        }),
    });
    ask(0);
    await clock.advance(5000);
    queue.stop();
    await clock.advance(100_000);
    expect(aborted).toBe(true);
    expect(clock.pendingTimers).toBe(0);
  });

  it('follows another max_concurrency of the new window, and takes the latest moment for all its keys', async () => {
    const { clock, grants, ask } = setUp({
      limit: { remaining: 1, resetAfterMs: 2000 },
      refresh: async () => limit({ maxConcurrency: 4 }),
    });
    for (const shardId of [0, 1, 2, 3]) ask(shardId);
    await clock.advance(20_000);
    expect(grants.map(({ shardId, atMs }) => [shardId, atMs])).toEqual([
      [0, 0],
      [1, 5000],
      [2, 5000],
      [3, 5000],
    ]);
  });
});

describe('a restart of the master', () => {
  it('does not identify before the window of the last IDENTIFY is over', async () => {
    const before = setUp();
    before.ask(0);
    await before.clock.advance(2000);
    before.queue.stop();
    const after = setUp({ clock: before.clock, store: before.store });
    after.ask(1);
    await after.clock.advance(10_000);
    expect(after.grants).toEqual([{ shardId: 1, atMs: 3000 }]);
  });

  it('does not wait when that was long ago', async () => {
    const before = setUp();
    before.ask(0);
    await before.clock.advance(60_000);
    const after = setUp({ clock: before.clock, store: before.store });
    after.ask(1);
    await after.clock.advance(0);
    expect(after.grants).toEqual([{ shardId: 1, atMs: 0 }]);
  });

  it('waits one interval at most, though the wall clock went back an hour', async () => {
    const before = setUp();
    before.ask(0);
    await before.clock.advance(60_000);
    before.clock.jumpWallClock(-HOUR_MS);
    const after = setUp({ clock: before.clock, store: before.store });
    after.ask(1);
    await after.clock.advance(6000);
    expect(after.grants).toEqual([{ shardId: 1, atMs: 5000 }]);
  });

  it('counts a slot that was out when the master died as used just now', async () => {
    const before = setUp();
    before.ask(0, 'keep');
    await before.clock.advance(20_000);
    const store = new MemoryStore();
    store.record = structuredClone(before.store.record);
    const after = setUp({ clock: before.clock, store, limit: { resetAfterMs: 24 * HOUR_MS - 20_000 } });
    after.ask(1);
    await after.clock.advance(6000);
    expect(after.grants).toEqual([{ shardId: 1, atMs: 5000 }]);
    expect(after.queue.state().remaining).toBe(998);
  });

  it('takes the lower of its own and of the number of Discord, within one window', async () => {
    const before = setUp({ limit: { remaining: 10 } });
    for (const shardId of [0, 1, 2]) before.ask(shardId);
    await before.clock.advance(15_000);
    const store = before.store;
    const again = (changes: Partial<SessionStartLimit>) =>
      setUp({ clock: before.clock, store, limit: { resetAfterMs: 24 * HOUR_MS - 15_000, ...changes } }).queue.state();
    expect(again({ remaining: 9 }).remaining).toBe(7);
    expect(again({ remaining: 5 }).remaining).toBe(5);
    // A window that ends later is a new one. One that seems to end earlier is the old one: the wall clock was set.
    expect(again({ remaining: 9, resetAfterMs: 20 * HOUR_MS }).remaining).toBe(5);
    expect(again({ remaining: 9, resetAfterMs: 24 * HOUR_MS }).remaining).toBe(9);
  });
});

describe('a master that takes over and does not wait for Discord', () => {
  /** @returns what the killed one has left, and a queue that goes on from there; each answer is one question. */
  async function takeOver(
    answers: (Partial<SessionStartLimit> | Error)[],
    left: { store?: MemoryStore; afterMs?: number; spent?: number } = {},
  ) {
    const before = setUp({ limit: { remaining: 10 } });
    for (let shardId = 0; shardId < (left.spent ?? 3); shardId++) before.ask(shardId);
    await before.clock.advance(15_000);
    const store = left.store ?? new MemoryStore();
    if (left.store === undefined) store.record = structuredClone(before.store.record);
    before.queue.stop();
    await before.clock.advance(left.afterMs ?? 0);
    const questions: number[] = [];
    const after = setUp({
      clock: before.clock,
      store,
      started: false,
      refresh: async () => {
        const answer = answers[questions.push(before.clock.now()) - 1];
        if (answer === undefined) return new Promise<never>(() => undefined);
        if (answer instanceof Error) throw answer;
        return limit({ resetAfterMs: 24 * HOUR_MS - 15_000, ...answer });
      },
    });
    after.queue.start();
    return { ...after, questions };
  }

  it('goes on from the numbers on disk while Discord is being asked', async () => {
    const { clock, queue, questions, ask, order } = await takeOver([]);
    ask(0);
    await clock.advance(1000);
    expect(order()).toEqual([0]);
    expect(questions).toHaveLength(1);
    expect(queue.state()).toMatchObject({ remaining: 6, total: 1000 });
  });

  it('never believes in more than the disk or Discord says', async () => {
    const more = await takeOver([{ remaining: 10 }]);
    await more.clock.advance(0);
    expect(more.queue.state().remaining).toBe(7);
    const less = await takeOver([{ remaining: 2 }]);
    await less.clock.advance(0);
    expect(less.queue.state().remaining).toBe(2);
  });

  it('believes Discord when that speaks of a new window', async () => {
    const { clock, queue } = await takeOver([{ remaining: 999, resetAfterMs: 24 * HOUR_MS }]);
    await clock.advance(0);
    expect(queue.state().remaining).toBe(999);
  });

  it('asks at once, and keeps no timer when it has the answer and nobody waits', async () => {
    const { clock, questions } = await takeOver([{}]);
    await clock.advance(60_000);
    expect(questions).toHaveLength(1);
    expect(clock.pendingTimers).toBe(0);
  });

  it('asks again with growing pauses, each said, while Discord is out of reach', async () => {
    const away = Array.from({ length: 4 }, () => new Error('unreachable'));
    const { clock, queue, questions, log } = await takeOver([...away, { remaining: 5 }]);
    await clock.advance(60_000);
    const gaps = questions.slice(1).map((at, i) => Math.round((at - (questions[i] ?? 0)) / 1000));
    expect(gaps).toEqual([1, 2, 4, 8].map((seconds) => expect.closeTo(seconds, seconds === 8 ? -1 : -0.5)));
    expect(log.warnings().filter((line) => line.includes('cannot ask Discord'))).toHaveLength(4);
    expect(queue.state().remaining).toBe(5);
    expect(clock.pendingTimers).toBe(0);
  });

  it('grants nothing without numbers on disk before Discord has answered, and says so', async () => {
    const { clock, queue, log, ask, order } = await takeOver([new Error('unreachable'), { remaining: 4 }], {
      store: new MemoryStore(),
    });
    ask(0);
    await clock.advance(500);
    expect(order()).toEqual([]);
    expect(queue.state()).toMatchObject({ remaining: null, budgetWait: { until: null, shardIds: [0] } });
    expect(log.warnings()).toContainEqual(expect.stringMatching(/budget is not known: shards 0 wait/));
    expect(() => queue.ensureRestartAffordable(1)).toThrow(/not known/);
    await clock.advance(5000);
    expect(order()).toEqual([0]);
    expect(queue.state().remaining).toBe(3);
  });

  it('knows no more when it is killed again before the answer', async () => {
    const store = new MemoryStore();
    await takeOver([], { store });
    const { clock, ask, order } = await takeOver([], { store });
    ask(0);
    await clock.advance(60_000);
    expect(order()).toEqual([]);
  });

  it('whose window has passed meanwhile uses what was left of it until Discord names the new one', async () => {
    const { clock, queue, ask, order } = await takeOver([new Error('unreachable'), { remaining: 1000 }], {
      afterMs: 25 * HOUR_MS,
      spent: 9,
    });
    expect(queue.state().remaining).toBeNull();
    for (const shardId of [0, 1, 2]) ask(shardId);
    await clock.advance(500);
    expect(order()).toEqual([0]);
    await clock.advance(20_000);
    expect(order()).toEqual([0, 1, 2]);
    expect(queue.state().remaining).toBeLessThanOrEqual(998);
  });

  it('counts a slot that was out on top of what Discord answers: its IDENTIFY may still be on the way', async () => {
    const before = setUp({ limit: { remaining: 10 } });
    before.ask(0, 'keep');
    await before.clock.advance(0);
    const store = new MemoryStore();
    store.record = structuredClone(before.store.record);
    const after = setUp({
      clock: before.clock,
      store,
      started: false,
      refresh: async () => limit({ remaining: 6 }),
    });
    after.queue.start();
    await after.clock.advance(0);
    expect(after.queue.state().remaining).toBe(5);
  });
});

it('keeps the interval on the real clock too, to the millisecond', async () => {
  const queue = new IdentifyQueue({
    shardCount: 8,
    store: new MemoryStore(),
    refresh: async () => limit(),
    identifyIntervalMs: 20,
    logger: memoryLogger().logger,
  });
  queues.push(queue);
  queue.start(limit());
  let releasedAt = Number.NEGATIVE_INFINITY;
  const gaps: number[] = [];
  for (let shardId = 0; shardId < 25; shardId++) {
    const slot = await queue.acquire({ shardId, holder: 'cluster 0' });
    gaps.push(performance.now() - releasedAt);
    // Before, so that the system's pauses can make a gap longer only.
    releasedAt = performance.now();
    slot.release(true);
  }
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(20);
});

it('grants nothing before it has been started', async () => {
  const { clock, order, queue, ask } = setUp({ started: false });
  ask(1);
  ask(0);
  await clock.advance(10_000);
  expect(order()).toEqual([]);
  queue.start(limit());
  await clock.advance(10_000);
  expect(order()).toEqual([0, 1]);
});

it('shows who waits, who holds a slot and what is left', async () => {
  const { clock, queue, ask } = setUp({ limit: { maxConcurrency: 2, remaining: 900 } });
  for (const shardId of [0, 1, 4, 2]) ask(shardId, 'keep', { holder: `cluster ${shardId >> 1}` });
  await clock.advance(0);
  expect(queue.state()).toEqual({
    remaining: 900,
    total: 1000,
    reserve: 100,
    resetAt: Date.UTC(2026, 0, 2),
    maxConcurrency: 2,
    waiting: [{ key: 0, shardIds: [2, 4] }],
    slots: [
      { id: expect.any(String), shardId: 0, holder: 'cluster 0' },
      { id: expect.any(String), shardId: 1, holder: 'cluster 0' },
    ],
    budgetWait: null,
  });
});
