import { describe, expect, it } from 'vitest';
import {
  type RestartProgress,
  RollingRestart,
  type RollingRestartOptions,
} from '../../../src/master/restart/RollingRestart.js';
import { restartText } from '../../../src/master/restart/restartText.js';
import { ManualClock } from '../../support/ManualClock.js';
import { memoryLogger } from '../../support/memoryLogger.js';

const REPLACE_MS = 1000;
const HEALTHY_MS = 500;

/** A fleet whose clusters take a second to be replaced and half a second to prove themselves. */
function setUp(overrides: Partial<RollingRestartOptions> = {}) {
  const clock = new ManualClock();
  const log = memoryLogger();
  const calls: string[] = [];
  const pass = (durationMs: number): Promise<void> =>
    new Promise((resolve) => void clock.setTimeout(resolve, durationMs));
  const roll = new RollingRestart({
    clock,
    logger: log.logger,
    replace: async (clusterId) => {
      calls.push(`replace ${clusterId}`);
      await pass(REPLACE_MS);
      return undefined;
    },
    healthy: async (clusterId) => {
      calls.push(`watch ${clusterId}`);
      await pass(HEALTHY_MS);
    },
    ...overrides,
  });
  const told: RestartProgress[] = [];
  const onProgress = (progress: RestartProgress): void => void told.push(progress);
  const states = (): string[] =>
    told.map(({ outcome, clusters }) => `${outcome}: ${clusters.map(({ state }) => state).join(' ')}`);
  return { clock, log, roll, calls, pass, told, onProgress, states };
}

describe('a rolling restart', () => {
  it('touches the next cluster only when the last is ready and healthy', async () => {
    const { clock, roll, calls, states, onProgress } = setUp();
    const { done } = roll.start({ clusterIds: [2, 0, 2], onProgress });
    await clock.advance(REPLACE_MS + HEALTHY_MS - 1);
    expect(calls).toEqual(['replace 2', 'watch 2']);
    await clock.advance(5000);
    expect(calls).toEqual(['replace 2', 'watch 2', 'replace 0', 'watch 0']);
    expect(await done).toEqual({
      outcome: 'done',
      durationMs: 3000,
      clusters: [
        { clusterId: 2, state: 'replaced', durationMs: 1500 },
        { clusterId: 0, state: 'replaced', durationMs: 1500 },
      ],
    });
    expect(states()).toEqual([
      'rolling: waiting waiting',
      'rolling: replacing waiting',
      'rolling: checking waiting',
      'rolling: replaced waiting',
      'rolling: replaced replacing',
      'rolling: replaced checking',
      'rolling: replaced replaced',
      'done: replaced replaced',
    ]);
  });

  it('ends with the first cluster that cannot be replaced, and says why', async () => {
    const { clock, roll, log, pass, calls } = setUp({
      replace: async (clusterId) => {
        calls.push(`replace ${clusterId}`);
        await pass(REPLACE_MS);
        if (clusterId === 1) throw new Error('it exited with code 1 before it was ready');
        return { details: 'paused 120 ms' };
      },
    });
    const { done } = roll.start({ clusterIds: [0, 1, 2, 3] });
    await clock.advance(10_000);
    expect(await done).toEqual({
      outcome: 'failed',
      durationMs: 2500,
      clusters: [
        { clusterId: 0, state: 'replaced', durationMs: 1500, details: 'paused 120 ms' },
        { clusterId: 1, state: 'failed', durationMs: 1000, reason: 'it exited with code 1 before it was ready' },
        { clusterId: 2, state: 'skipped', reason: 'cluster 1 failed' },
        { clusterId: 3, state: 'skipped', reason: 'cluster 1 failed' },
      ],
    });
    expect(calls).not.toContain('replace 2');
    expect(log.warnings()).toEqual(['the restart of cluster 1 failed; the roll ends here']);
  });

  it('ends when a new process is ready but not healthy', async () => {
    const { clock, roll } = setUp({ healthy: () => Promise.reject(new Error('shard 0 is not connected')) });
    const { done } = roll.start({ clusterIds: [0, 1] });
    await clock.advance(10_000);
    const { outcome, clusters } = await done;
    expect(outcome).toBe('failed');
    expect(clusters).toMatchObject([{ state: 'failed', reason: 'shard 0 is not connected' }, { state: 'skipped' }]);
  });

  it('is refused while another one rolls, and not after', async () => {
    const { clock, roll } = setUp();
    const first = roll.start({ clusterIds: [0] });
    expect(roll.isRolling).toBe(true);
    expect(() => roll.start({ clusterIds: [1] })).toThrow(expect.objectContaining({ code: 'RESTART_IN_PROGRESS' }));
    await clock.advance(5000);
    expect((await first.done).clusters).toHaveLength(1);
    expect(roll.isRolling).toBe(false);
    const second = roll.start({ clusterIds: [1] });
    await clock.advance(5000);
    expect((await second.done).outcome).toBe('done');
  });

  it('may be followed by the next from the very report of its end', async () => {
    const { clock, roll } = setUp();
    let next: Promise<RestartProgress> | undefined;
    const onProgress = ({ outcome }: RestartProgress): void => {
      if (outcome !== 'rolling') next = roll.start({ clusterIds: [1] }).done;
    };
    await Promise.all([roll.start({ clusterIds: [0], onProgress }).done, clock.advance(5000)]);
    await clock.advance(5000);
    expect(await next).toMatchObject({ outcome: 'done', clusters: [{ clusterId: 1 }] });
  });

  it('is called off between clusters; the one that is under way is finished', async () => {
    const { clock, roll, calls } = setUp();
    const abort = new AbortController();
    const { done } = roll.start({ clusterIds: [0, 1], signal: abort.signal });
    await clock.advance(500);
    abort.abort(new Error('the master stops'));
    await clock.advance(10_000);
    expect(await done).toMatchObject({
      outcome: 'stopped',
      clusters: [
        { clusterId: 0, state: 'replaced' },
        { clusterId: 1, state: 'skipped', reason: 'stopped: the master stops' },
      ],
    });
    expect(calls).toEqual(['replace 0', 'watch 0']);
  });

  it('counts as called off where the replacement itself gave up for that reason', async () => {
    const { clock, roll } = setUp({
      replace: (_, signal) =>
        new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => reject(signal.reason), { once: true }),
        ),
    });
    const abort = new AbortController();
    const { done } = roll.start({ clusterIds: [0, 1], signal: abort.signal });
    await clock.advance(10);
    abort.abort(new Error('the master stops'));
    await clock.advance(10);
    expect(await done).toMatchObject({ outcome: 'stopped', clusters: [{ state: 'failed' }, { state: 'skipped' }] });
  });

  it('is not disturbed by who listens to its progress, nor by having nothing to do', async () => {
    const { clock, roll, log } = setUp();
    const { done } = roll.start({
      clusterIds: [0],
      onProgress: () => {
        throw new Error('no such message');
      },
    });
    await clock.advance(5000);
    expect((await done).outcome).toBe('done');
    expect(log.warnings()).toContain('whoever listens to the progress of a restart threw');
    expect(await roll.start({ clusterIds: [] }).done).toEqual({ outcome: 'done', durationMs: 0, clusters: [] });
  });
});

describe('restartText', () => {
  it('has a headline and a line per cluster', () => {
    expect(
      restartText({
        outcome: 'rolling',
        durationMs: 3000,
        clusters: [
          { clusterId: 0, state: 'replaced', durationMs: 1234, details: 'paused 90 ms' },
          { clusterId: 1, state: 'replacing' },
          { clusterId: 2, state: 'waiting' },
        ],
      }),
    ).toBe(
      'Restarting, one after the other: 1 of 3 clusters done\n' +
        '✅ cluster 0 in 1.2s: paused 90 ms\n' +
        '🔄 cluster 1 is being replaced\n' +
        '▫️ cluster 2 waits',
    );
  });

  it('says in one line why it ended', () => {
    const text = restartText({
      outcome: 'failed',
      durationMs: 900,
      clusters: [
        {
          clusterId: 0,
          state: 'failed',
          durationMs: 900,
          reason: 'cluster 0 exited with code 1\nIts last log lines:\n…',
        },
        { clusterId: 1, state: 'skipped', reason: 'cluster 0 failed' },
      ],
    });
    expect(text).toBe(
      'Restart stopped by a failure after 0 of 2 clusters\n' +
        '❌ cluster 0 after 900ms: cluster 0 exited with code 1\n' +
        '▫️ cluster 1 was left as it is',
    );
  });

  it('fits into a message, however many clusters there are and however long their reasons', () => {
    const clusters = Array.from(
      { length: 20 },
      (_, clusterId) => ({ clusterId, state: 'failed', durationMs: 1, reason: 'x'.repeat(5000) }) as const,
    );
    expect(restartText({ outcome: 'failed', durationMs: 1, clusters }).length).toBeLessThanOrEqual(2000);
    const many = Array.from({ length: 500 }, (_, clusterId) => ({ clusterId, state: 'waiting' }) as const);
    const busy = [...many, { clusterId: 500, state: 'checking' } as const];
    expect(restartText({ outcome: 'rolling', durationMs: 1, clusters: busy })).toBe(
      'Restarting, one after the other: 0 of 501 clusters done\n🔄 cluster 500 is new, and being watched',
    );
  });
});
