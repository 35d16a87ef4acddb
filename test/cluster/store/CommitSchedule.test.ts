import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { CommitSchedule } from '../../../src/cluster/store/CommitSchedule.js';

/** Long enough that nothing here happens by the clock. */
const NEVER = 1_000_000;

const commits: string[] = [];
const first = (): void => void commits.push('first');
const second = (): void => void commits.push('second');

afterEach(() => {
  commits.length = 0;
});

async function turns(): Promise<void> {
  await nextTurn();
  await nextTurn();
}

describe('a commit', () => {
  it('that cannot wait is made once, at the end of the turn', async () => {
    const schedule = new CommitSchedule(NEVER);
    schedule.now(first);
    schedule.now(first);
    expect(commits).toEqual([]);
    await turns();
    expect(commits).toEqual(['first']);
  });

  it('that can wait comes by a timer, once', async () => {
    const schedule = new CommitSchedule(20);
    schedule.soon(first);
    schedule.soon(first);
    await turns();
    expect(commits).toEqual([]);
    await expect.poll(() => commits).toEqual(['first']);
    await sleep(100);
    expect(commits).toEqual(['first']);
  });

  it('that can wait is made together with those of the others', async () => {
    const schedule = new CommitSchedule(20);
    schedule.soon(first);
    schedule.soon(second);
    await expect.poll(() => commits.length).toBeGreaterThan(0);
    expect(commits).toEqual(['first', 'second']);
  });

  it('that cannot wait is made without those that can', async () => {
    const schedule = new CommitSchedule(NEVER);
    schedule.soon(second);
    schedule.now(first);
    await turns();
    expect(commits).toEqual(['first']);
    schedule.done(second);
  });

  it('that was made otherwise is not made again', async () => {
    const schedule = new CommitSchedule(20);
    schedule.soon(first);
    schedule.now(second);
    schedule.done(first);
    schedule.done(second);
    await sleep(100);
    expect(commits).toEqual([]);
  });
});
