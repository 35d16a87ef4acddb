import { expect, it } from 'vitest';
import { ReadinessLog } from '../../../src/master/fleet/ReadinessLog.js';
import { FakeClusters } from '../../support/FakeClusters.js';
import { ManualClock } from '../../support/ManualClock.js';
import { memoryLogger } from '../../support/memoryLogger.js';

/** A fleet of two that starts. */
function setUp() {
  const clock = new ManualClock();
  const log = memoryLogger();
  const clusters = new FakeClusters(2);
  const readiness = new ReadinessLog({ clusters, logger: log.logger, clock, startedAt: clock.now() });
  readiness.start();
  for (const id of [0, 1]) void clusters.spawn(id);
  return { clock, log, clusters, readiness, messages: () => log.lines.map(({ msg }) => msg) };
}

it('says each time that a cluster is ready, and once that all are, with the time that it took', async () => {
  const { clock, log, clusters, messages } = setUp();
  clusters.getReady(1);
  expect(messages()).toEqual(['cluster 1 is ready']);
  await clock.advance(1_500);
  clusters.getReady(0);
  expect(messages()).toEqual(['cluster 1 is ready', 'cluster 0 is ready', 'ready: all 2 shards']);
  expect(log.lines.at(-1)).toMatchObject({ shards: 2, afterMs: 1_500 });
  clusters.get(0).die();
  void clusters.spawn(0);
  clusters.getReady(0);
  expect(messages().slice(3)).toEqual(['cluster 0 is ready']);
});

it('names the shards that Discord refuses', () => {
  const { clusters, messages } = setUp();
  clusters.getReady(0);
  clusters.starting(1).hear('failed');
  clusters.getReady(1);
  expect(messages().at(-1)).toBe('ready: 1 of 2 shards; failed: 1');
});

it('says nothing more when it is stopped', () => {
  const { clusters, readiness, messages } = setUp();
  readiness.stop();
  clusters.getReady(0);
  expect(messages()).toEqual([]);
});
