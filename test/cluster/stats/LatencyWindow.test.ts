import { expect, it } from 'vitest';
import { LatencyWindow } from '../../../src/cluster/stats/LatencyWindow.js';
import { ManualClock } from '../../support/ManualClock.js';

const MINUTE_MS = 60_000;

it('knows nothing before something was measured', () => {
  expect(new LatencyWindow(new ManualClock()).percentiles()).toBeNull();
});

it('says median and 99th percentile by nearest rank, to about one percent', () => {
  const window = new LatencyWindow(new ManualClock());
  for (let ms = 1; ms <= 1000; ms++) window.add(ms);
  const { p50, p99 } = window.percentiles() ?? { p50: 0, p99: 0 };
  expect(Math.abs(p50 - 500)).toBeLessThan(5);
  expect(Math.abs(p99 - 990)).toBeLessThan(10);
});

it('counts every command of the last five minutes, however many there are', async () => {
  const clock = new ManualClock();
  const window = new LatencyWindow(clock);
  for (let i = 0; i < 30; i++) window.add(2_000);
  for (let second = 0; second < 4 * 60; second++) {
    await clock.advance(1_000);
    for (let i = 0; i < 10; i++) window.add(20);
  }
  // 30 of 2430 are more than one in a hundred, and far more than 1000 came after them.
  expect(window.percentiles()?.p99).toBeGreaterThan(1_900);
});

it('forgets what is older than five minutes, and only that', async () => {
  const clock = new ManualClock();
  const window = new LatencyWindow(clock);
  window.add(5_000);
  await clock.advance(3 * MINUTE_MS);
  window.add(40);
  await clock.advance(1.5 * MINUTE_MS);
  expect(window.percentiles()?.p99).toBeGreaterThan(4_900);
  await clock.advance(0.5 * MINUTE_MS);
  expect(window.percentiles()?.p99).toBeCloseTo(40, 0);
  await clock.advance(3 * MINUTE_MS);
  expect(window.percentiles()).toBeNull();
});

it('starts anew after a pause of many times its length', async () => {
  const clock = new ManualClock();
  const window = new LatencyWindow(clock);
  window.add(5_000);
  await clock.advance(24 * 60 * MINUTE_MS);
  expect(window.percentiles()).toBeNull();
  window.add(7);
  expect(window.percentiles()?.p99).toBeCloseTo(7, 0);
});

it('takes what is shorter than it can tell apart, and what is longer than anything', () => {
  const window = new LatencyWindow(new ManualClock());
  window.add(0);
  expect(window.percentiles()?.p50).toBeLessThan(1);
  window.add(Number.MAX_SAFE_INTEGER);
  expect(window.percentiles()?.p99).toBeGreaterThan(590_000);
});
