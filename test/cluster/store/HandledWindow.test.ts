import { describe, expect, it } from 'vitest';
import { HandledWindow, type Unfinished, type WindowDeath } from '../../../src/cluster/store/HandledWindow.js';

const NOW = 1_000_000;

function restored(position: { handledSeq: number; cachedSeq?: number; unfinished?: number[] }): HandledWindow {
  const window = new HandledWindow();
  window.restore({ cachedSeq: position.handledSeq, unfinished: [], at: NOW, ...position });
  return window;
}

describe('a new session', () => {
  it('handles every dispatch', () => {
    const window = new HandledWindow();
    window.begin(1);
    expect([2, 3, 1000].map((seq) => window.verdict(seq))).toEqual(['handle', 'handle', 'handle']);
  });

  it('resumes after the last dispatch that was dealt with', () => {
    const window = new HandledWindow();
    window.begin(1);
    for (const seq of [2, 3, 4]) window.settle(seq);
    expect(window.resumeSeq).toBe(4);
  });

  it('forgets the commands of the one before, also when they finish', () => {
    const window = new HandledWindow();
    window.begin(1);
    const finishedOld = window.commandStarted(7, NOW);
    window.begin(1);
    window.settle(7);
    window.commandStarted(7, NOW);
    finishedOld();
    expect(window.unfinished(NOW)).toEqual([7]);
  });
});

describe('a running command', () => {
  it('is unfinished until it has finished, whatever happens meanwhile', () => {
    const window = new HandledWindow();
    window.begin(1);
    const finishFirst = window.commandStarted(2, NOW);
    const finishSecond = window.commandStarted(3, NOW);
    window.settle(9);
    expect(window.unfinished(NOW)).toEqual([2, 3]);
    finishFirst();
    finishFirst();
    expect(window.unfinished(NOW)).toEqual([3]);
    finishSecond();
    expect(window.unfinished(NOW)).toEqual([]);
  });

  it('is given up after a minute', () => {
    const window = new HandledWindow();
    window.commandStarted(2, NOW);
    window.commandStarted(3, NOW + 30_000);
    expect(window.unfinished(NOW + 60_000)).toEqual([2, 3]);
    expect(window.unfinished(NOW + 60_001)).toEqual([3]);
  });

  it('is given up when 5000 dispatches have come since', () => {
    const window = new HandledWindow();
    window.commandStarted(2, NOW);
    window.settle(5_002);
    expect(window.unfinished(NOW)).toEqual([2]);
    window.settle(5_003);
    expect(window.unfinished(NOW)).toEqual([]);
  });

  it('is given up when a thousand newer ones run', () => {
    const window = new HandledWindow();
    for (let seq = 1; seq <= 1_003; seq++) {
      window.commandStarted(seq, NOW);
      window.settle(seq);
    }
    const unfinished = window.unfinished(NOW);
    expect(unfinished).toHaveLength(1_000);
    expect(unfinished[0]).toBe(4);
  });
});

describe('after a crash', () => {
  it('begins the replay before the oldest unfinished command, and runs only the unfinished again', () => {
    const window = restored({ handledSeq: 10, unfinished: [9, 5] });
    expect(window.resumeSeq).toBe(4);
    const verdicts = [5, 6, 7, 8, 9, 10, 11].map((seq) => window.verdict(seq));
    expect(verdicts).toEqual(['handle', 'skip', 'skip', 'skip', 'handle', 'skip', 'handle']);
  });

  it('begins after the last dispatch where all commands had finished', () => {
    expect(restored({ handledSeq: 10 }).resumeSeq).toBe(10);
  });

  it('remembers commands until their replay has come', () => {
    const window = restored({ handledSeq: 10, unfinished: [5, 9] });
    window.settle(5);
    expect(window.unfinished(NOW)).toEqual([9]);
    expect(window.resumeSeq).toBe(8);
  });

  it('remembers one that runs again as running, and not as one to be run', () => {
    const window = restored({ handledSeq: 10, unfinished: [5] });
    const finished = window.commandStarted(5, NOW);
    window.settle(5);
    expect(window.unfinished(NOW)).toEqual([[5, 2]]);
    expect(window.verdict(5)).toBe('skip');
    expect(window.resumeSeq).toBe(10);
    finished();
    expect(window.unfinished(NOW)).toEqual([]);
  });

  it('gives up commands that are too old', () => {
    expect(restored({ handledSeq: 10, unfinished: [5] }).unfinished(NOW + 60_001)).toEqual([]);
  });
});

describe('a process whose cache is behind', () => {
  it('has the dispatches in between replayed for its cache only', () => {
    const window = restored({ handledSeq: 10, cachedSeq: 7, unfinished: [9] });
    expect(window.resumeSeq).toBe(7);
    const verdicts = [7, 8, 9, 10, 11].map((seq) => window.verdict(seq));
    expect(verdicts).toEqual(['skip', 'mute', 'handle', 'mute', 'handle']);
  });

  it('catches up with them', () => {
    const window = restored({ handledSeq: 10, cachedSeq: 7 });
    for (const seq of [8, 9, 10]) window.settle(seq);
    expect(window.resumeSeq).toBe(10);
    expect(window.verdict(8)).toBe('skip');
  });
});

describe('a process that takes a session back', () => {
  it('does not run its own running commands again', () => {
    const window = new HandledWindow();
    window.begin(1);
    const finished = window.commandStarted(5, NOW);
    window.settle(8);
    window.restore({ handledSeq: 12, cachedSeq: 8, unfinished: [5, 11], at: NOW });
    expect(window.resumeSeq).toBe(8);
    expect([5, 9, 11].map((seq) => window.verdict(seq))).toEqual(['skip', 'mute', 'handle']);
    expect(window.unfinished(NOW)).toEqual([5, 11]);
    finished();
    expect(window.unfinished(NOW)).toEqual([11]);
  });
});

describe('a command that processes die of', () => {
  /** One more process dies while it runs. @returns what the next one finds. */
  function dies(unfinished: readonly Unfinished[]): readonly Unfinished[] {
    const window = new HandledWindow();
    window.restore({ handledSeq: 9, cachedSeq: 9, unfinished, at: NOW });
    expect(window.verdict(5)).toBe('handle');
    window.commandStarted(5, NOW);
    window.settle(5);
    return window.unfinished(NOW);
  }

  function found(
    unfinished: readonly Unfinished[],
    death?: WindowDeath,
  ): { window: HandledWindow; givenUp: readonly number[] } {
    const window = new HandledWindow();
    const at = { at: NOW, ...(death === undefined ? {} : { death }) };
    return { window, givenUp: window.restore({ handledSeq: 9, cachedSeq: 9, unfinished, ...at }) };
  }

  it('is run twice, and then given up; three times where the last was killed from outside', () => {
    const twice = dies([5]);
    expect(twice).toEqual([[5, 2]]);
    expect(found(twice, { cause: 'unexplained' }).givenUp).toEqual([5]);
    expect(found(twice, { cause: 'killed' }).givenUp).toEqual([]);
    expect(found(twice).givenUp).toEqual([]);
    expect(found(dies(twice), { cause: 'killed' }).givenUp).toEqual([5]);
  });

  it('does not count as having run where the process stops in order, and what waits for its turn keeps its count', () => {
    const { window } = found(
      [
        [5, 2],
        [7, 2],
      ],
      { cause: 'killed' },
    );
    window.commandStarted(5, NOW);
    window.settle(5);
    window.commandStarted(10, NOW);
    expect(window.unfinished(NOW)).toEqual([[5, 3], [7, 2], 10]);
    expect(window.unfinished(NOW, 'stop')).toEqual([
      [5, 2],
      [7, 2],
      [10, 0],
    ]);
    const next = found([[10, 0]]).window;
    expect([next.verdict(10), next.nextRun(10)]).toEqual(['handle', 1]);
  });

  it('counts as having run where only the mark of the dead process says that it had begun', () => {
    const { window } = found([], { cause: 'unexplained', begunSeq: 11 });
    expect([10, 11, 12].map((seq) => window.verdict(seq))).toEqual(['handle', 'handle', 'handle']);
    for (const seq of [10, 11, 12]) window.commandStarted(seq, NOW);
    expect(window.unfinished(NOW)).toEqual([[10, 2], [11, 2], 12]);
  });

  it('that is given up is replayed all the same, for its user to be told, and stays given up until then', () => {
    const { window } = found([[5, 2]], { cause: 'unexplained' });
    expect(window.resumeSeq).toBe(4);
    expect(window.verdict(5)).toBe('skip');
    expect(window.isGivenUp(5)).toBe(true);
    const next = found(window.unfinished(NOW), { cause: 'killed' });
    expect(next.givenUp).toEqual([]);
    expect(next.window.isGivenUp(5)).toBe(true);
    next.window.settle(5);
    expect(next.window.isGivenUp(5)).toBe(false);
    expect(next.window.verdict(5)).toBe('skip');
    expect(next.window.resumeSeq).toBe(9);
    expect(next.window.unfinished(NOW)).toEqual([]);
  });

  it('that Discord does not replay is forgotten in time', () => {
    const { window } = found([[5, 2]], { cause: 'unexplained' });
    expect(window.unfinished(NOW + 60_001)).toEqual([]);
    expect(window.resumeSeq).toBe(9);
  });

  it('is given up too where its dispatch was never dealt with to the end, and the cache still learns of it', () => {
    const window = new HandledWindow();
    const death: WindowDeath = { cause: 'unexplained' };
    window.restore({ handledSeq: 4, cachedSeq: 4, unfinished: [[5, 2]], at: NOW, death });
    expect(window.verdict(5)).toBe('mute');
    expect(window.verdict(6)).toBe('handle');
  });
});

describe('what was on the stack of the process that died', () => {
  const blamed = { seq: 12, runs: 1, since: NOW - 1_000 };

  function found(death: WindowDeath, unfinished: readonly Unfinished[] = []): HandledWindow {
    const window = new HandledWindow();
    window.restore({ handledSeq: 10, cachedSeq: 10, unfinished, at: NOW, death });
    return window;
  }

  it('is not run again where it is to blame; what only waited beside it is, however often it has', () => {
    const window = found({ cause: 'explained', blamed: { ...blamed, verdict: 'culprit' } }, [4, [5, 2], [6, 7]]);
    expect([4, 5, 6, 11, 12, 13].map((seq) => window.verdict(seq))).toEqual([
      ...['handle', 'handle', 'handle', 'handle', 'mute', 'handle'],
    ]);
    expect(window.resumeSeq).toBe(3);
    // Nothing is held against these.
    expect([4, 5, 6].map((seq) => window.nextRun(seq))).toEqual([1, 2, 7]);
  });

  it('is run once more where it may be innocent, and counts as having run', () => {
    const window = found({ cause: 'killed', blamed: { ...blamed, verdict: 'suspect' } });
    expect(window.verdict(12)).toBe('handle');
    expect(window.nextRun(12)).toBe(2);
    expect(window.unfinished(NOW)).toEqual([12]);
  });

  it('is not run again as a suspect where it was handled: it was but the rest of it', () => {
    const window = found({ cause: 'killed', blamed: { ...blamed, seq: 7, verdict: 'suspect' } });
    expect(window.verdict(7)).toBe('skip');
    expect(window.resumeSeq).toBe(10);
  });

  it('is replayed where it was handled a short time ago: its user is still to be told', () => {
    const window = found({ cause: 'explained', blamed: { ...blamed, seq: 7, verdict: 'culprit' } });
    expect([window.resumeSeq, window.isGivenUp(7), window.verdict(7)]).toEqual([6, true, 'skip']);
  });

  it('is not replayed where it came long ago: Discord does not repeat that much', () => {
    const late: WindowDeath = {
      cause: 'explained',
      blamed: { ...blamed, seq: 7, since: NOW - 60_001, verdict: 'culprit' },
    };
    expect(found(late).resumeSeq).toBe(10);
    const window = new HandledWindow();
    const far: WindowDeath = { cause: 'explained', blamed: { ...blamed, seq: 7, verdict: 'culprit' } };
    window.restore({ handledSeq: 9_000, cachedSeq: 9_000, unfinished: [], at: NOW, death: far });
    expect(window.resumeSeq).toBe(9_000);
  });
});
