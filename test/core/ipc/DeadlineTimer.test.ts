import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { DeadlineTimer } from '../../../src/core/ipc/DeadlineTimer.js';

/** A timer over a list of deadlines, and the names of those that it found due. */
function timed(): { add: (name: string, inMs: number) => void; due: string[]; timer: DeadlineTimer } {
  const waiting = new Map<string, number>();
  const due: string[] = [];
  const timer = new DeadlineTimer((now) => {
    for (const [name, deadline] of waiting) {
      if (deadline > now) continue;
      due.push(name);
      waiting.delete(name);
    }
    return Math.min(...waiting.values());
  });
  const add = (name: string, inMs: number): void => {
    const deadline = performance.now() + inMs;
    waiting.set(name, deadline);
    timer.add(deadline);
  };
  return { add, due, timer };
}

it('finds each deadline due, the earliest first, whatever the order in which they came', async () => {
  const { add, due } = timed();
  add('second', 60);
  add('first', 20);
  add('third', 100);
  await expect.poll(() => due, { interval: 5 }).toEqual(['first', 'second', 'third']);
});

it('finds none due before its time', async () => {
  const { add, due, timer } = timed();
  add('soon', 10);
  add('far', 1_000_000);
  await expect.poll(() => due).toEqual(['soon']);
  await sleep(50);
  expect(due).toEqual(['soon']);
  timer.stop();
});

it('waits for longer than Node can', async () => {
  const { add, due, timer } = timed();
  // Node takes a longer delay than 2^31 - 1 ms for one of 1 ms.
  add('in fifty days', 50 * 86_400_000);
  await sleep(50);
  expect(due).toEqual([]);
  timer.stop();
});

it('finds nothing due any more once it is stopped, until there is another deadline', async () => {
  const { add, due, timer } = timed();
  add('never', 10);
  timer.stop();
  await sleep(50);
  expect(due).toEqual([]);
  add('later', 10);
  await expect.poll(() => due).toEqual(['never', 'later']);
});

it('knows of a deadline that was added while others were found due', async () => {
  const times: number[] = [];
  const timer = new DeadlineTimer(() => {
    times.push(performance.now());
    if (times.length === 1) timer.add(performance.now() + 20);
    return Number.POSITIVE_INFINITY;
  });
  timer.add(performance.now() + 10);
  await expect.poll(() => times.length).toBe(2);
});
