import { setImmediate as nextTurn } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { Succession, type SuccessionOutcome, UPGRADE_EXIT_CODE } from '../../../src/master/upgrade/Succession.js';
import { ManualClock } from '../../support/ManualClock.js';
import { FakeSuccessor } from './FakeSuccessor.js';

let clock: ManualClock;
let successors: FakeSuccessor[];
let succession: Succession;
let outcome: Promise<SuccessionOutcome>;

beforeEach(() => {
  clock = new ManualClock();
  successors = [];
  const spawn = () => {
    const successor = new FakeSuccessor();
    successors.push(successor);
    return successor;
  };
  succession = new Succession({ spawn, startTimeoutMs: 20_000, clock });
  outcome = succession.run();
});

function newest(): FakeSuccessor {
  const successor = successors.at(-1);
  if (successor === undefined) throw new Error('nothing was spawned');
  return successor;
}

async function serve(): Promise<void> {
  newest().serve();
  await nextTurn();
}

describe('a successor that serves', () => {
  it('ends this process as it ends: by its exit code', async () => {
    await serve();
    newest().exit(3);
    expect(await outcome).toEqual({ exitCode: 3 });
  });

  it('ends this process as it ends: by a signal, as a shell says it', async () => {
    await serve();
    newest().dieOf('SIGKILL');
    expect(await outcome).toEqual({ exitCode: 137 });
  });

  it('may serve for ever, and leaves no timer', async () => {
    await serve();
    expect(clock.pendingTimers).toBe(0);
    await clock.advance(1_000_000);
    expect(newest().signals).toEqual([]);
  });

  it('gets the signals of this process', async () => {
    await serve();
    for (const signal of ['SIGUSR2', 'SIGHUP', 'SIGTERM'] as const) succession.signal(signal);
    expect(newest().signals).toEqual(['SIGUSR2', 'SIGHUP', 'SIGTERM']);
  });

  it('is followed by the next one where it asks for that by its exit code', async () => {
    await serve();
    newest().exit(UPGRADE_EXIT_CODE);
    await nextTurn();
    expect(successors).toHaveLength(2);
    await serve();
    newest().exit(0);
    expect(await outcome).toEqual({ exitCode: 0 });
  });

  it('is not followed by a next one where a stop came before it asked', async () => {
    await serve();
    succession.signal('SIGTERM');
    newest().exit(UPGRADE_EXIT_CODE);
    expect(await outcome).toEqual({ failure: 'stopped during an upgrade' });
    expect(successors).toHaveLength(1);
  });
});

describe('a successor that does not serve', () => {
  it('is a failure where it exits before', async () => {
    newest().exit(1);
    expect(await outcome).toEqual({ failure: 'exited with code 1' });
    expect(clock.pendingTimers).toBe(0);
  });

  it('is a failure where a signal kills it', async () => {
    newest().dieOf('SIGSEGV');
    expect(await outcome).toEqual({ failure: 'was killed by SIGSEGV' });
  });

  it('is a failure where it cannot be spawned', async () => {
    newest().failToSpawn('spawn node ENOENT');
    expect(await outcome).toEqual({ failure: 'spawn node ENOENT' });
  });

  it('is a failure where it hangs, and is killed', async () => {
    await clock.advance(19_000);
    expect(newest().signals).toEqual([]);
    await clock.advance(2_000);
    expect(newest().signals).toEqual(['SIGKILL']);
    expect(await outcome).toEqual({ failure: 'it did not serve within 20000 ms' });
  });

  it('is a failure where it is the second one, although the first one served', async () => {
    await serve();
    newest().exit(UPGRADE_EXIT_CODE);
    await nextTurn();
    newest().exit(1);
    expect(await outcome).toEqual({ failure: 'exited with code 1' });
  });

  it('ends this process where it ends with 0: somebody has stopped it', async () => {
    newest().exit(0);
    expect(await outcome).toEqual({ exitCode: 0 });
  });
});

describe('a signal before the successor serves', () => {
  it('is kept until it does', async () => {
    succession.signal('SIGTERM');
    await nextTurn();
    expect(newest().signals).toEqual([]);
    await serve();
    expect(newest().signals).toEqual(['SIGTERM']);
  });

  it('is the stop, where an upgrade and a stop were asked for', async () => {
    for (const signal of ['SIGUSR2', 'SIGINT', 'SIGTERM', 'SIGUSR2'] as const) succession.signal(signal);
    await serve();
    expect(newest().signals).toEqual(['SIGINT']);
  });

  it('is given once', async () => {
    succession.signal('SIGUSR2');
    await serve();
    newest().exit(UPGRADE_EXIT_CODE);
    await nextTurn();
    await serve();
    expect(successors.map(({ signals }) => signals)).toEqual([['SIGUSR2'], []]);
  });
});
