import { describe, expect, it } from 'vitest';
import { HandledWindow, type Unfinished } from '../../../src/cluster/store/HandledWindow.js';

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

  it('is run three times, and then given up', () => {
    const third = dies(dies([5]));
    expect(third).toEqual([[5, 3]]);
    const window = new HandledWindow();
    expect(window.restore({ handledSeq: 9, cachedSeq: 9, unfinished: third, at: NOW })).toEqual([5]);
    expect(window.verdict(5)).toBe('skip');
    expect(window.resumeSeq).toBe(9);
    expect(window.unfinished(NOW)).toEqual([]);
  });

  it('is given up too where its dispatch was never dealt with to the end, and the cache still learns of it', () => {
    const window = new HandledWindow();
    window.restore({ handledSeq: 4, cachedSeq: 4, unfinished: [[5, 3]], at: NOW });
    expect(window.verdict(5)).toBe('mute');
    expect(window.verdict(6)).toBe('handle');
  });
});
