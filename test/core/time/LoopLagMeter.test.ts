import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { LoopLagMeter } from '../../../src/core/time/LoopLagMeter.js';

const meter = new LoopLagMeter();
afterEach(() => meter.stop());

it('sees a stall of the event loop, and goes on seeing it when it was read before', async () => {
  expect(meter.read()).toEqual({ p50Ms: 0, p99Ms: 0, maxMs: 0 });
  meter.start();
  await sleep(100);
  meter.read();
  const until = performance.now() + 150;
  while (performance.now() < until);
  await sleep(100);
  expect(meter.read().maxMs).toBeGreaterThan(100);
  expect(meter.read().maxMs).toBeGreaterThan(100);
  expect(meter.read().p50Ms).toBeLessThan(meter.read().maxMs);
});
