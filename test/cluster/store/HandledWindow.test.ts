import { describe, expect, it } from 'vitest';
import { GIVEN_UP } from '../../../src/cluster/dispatch/Dispatch.js';
import { HandledWindow, type WindowPosition } from '../../../src/cluster/store/HandledWindow.js';

function restored(position: Partial<WindowPosition> & { readonly handledSeq: number }): HandledWindow {
  const window = new HandledWindow();
  window.restore({ cachedSeq: position.handledSeq, ...position });
  return window;
}

const verdicts = (window: HandledWindow, ...seqs: number[]) => seqs.map((seq) => window.verdict(seq));

describe('a new session', () => {
  it('handles every dispatch, each for the first time', () => {
    const window = new HandledWindow();
    window.begin(1);
    expect(verdicts(window, 2, 3, 1000)).toEqual(['handle', 'handle', 'handle']);
    expect(window.triesOf(2)).toEqual({ runs: 0, deaths: 0 });
  });

  it('resumes after the last dispatch that was dealt with', () => {
    const window = new HandledWindow();
    window.begin(1);
    for (const seq of [2, 3, 4]) window.settle(seq);
    expect(window.resumeSeq).toBe(4);
  });

  it('knows nothing of the one before', () => {
    const window = restored({ handledSeq: 5, repeated: [[7, 1, GIVEN_UP]], begunSeq: 9 });
    window.begin(1);
    expect([window.isGivenUp(7), window.triesOf(8).runs, window.repeated]).toEqual([false, 0, []]);
  });
});

describe('after a crash', () => {
  it('handles what Discord repeats, and nothing that was handled', () => {
    const window = restored({ handledSeq: 10 });
    expect(window.resumeSeq).toBe(10);
    expect(verdicts(window, 9, 10, 11)).toEqual(['skip', 'skip', 'handle']);
  });

  it('knows of what is repeated how often it has run, and with how many deaths', () => {
    const window = restored({ handledSeq: 10, repeated: [[12, 2, 1]], begunSeq: 13 });
    const tries = (...seqs: number[]) => seqs.map((seq) => Object.values(window.triesOf(seq)));
    expect(tries(10, 11, 12, 13, 14)).toEqual([
      [0, 0],
      [1, 1],
      [2, 1],
      [1, 1],
      [0, 0],
    ]);
    window.settle(12);
    expect([window.repeated, ...tries(12)]).toEqual([[], [0, 0]]);
  });

  it('counts a run that had begun also where its death is held against nobody', () => {
    const window = restored({ handledSeq: 10, begunSeq: 11, isDeathCounted: false });
    expect(window.triesOf(11)).toEqual({ runs: 1, deaths: 0 });
  });

  it('does not run again what is given up, which its cache may have missed', () => {
    const window = restored({ handledSeq: 10, repeated: [[11, 1, GIVEN_UP]] });
    expect(window.isGivenUp(11)).toBe(true);
    expect(verdicts(window, 11, 12)).toEqual(['mute', 'handle']);
    // The next process is to know that too, until it has come.
    expect(window.repeated).toEqual([[11, 1, GIVEN_UP]]);
    window.settle(11);
    expect(window.isGivenUp(11)).toBe(false);
    expect(verdicts(window, 11)).toEqual(['skip']);
  });

  it('forgets counts of what was handled after all', () => {
    expect(
      restored({
        handledSeq: 10,
        repeated: [
          [9, 2, 1],
          [10, 1, GIVEN_UP],
        ],
      }).repeated,
    ).toEqual([]);
  });
});

describe('a process whose cache is behind', () => {
  it('has the dispatches in between replayed for its cache only', () => {
    const window = restored({ handledSeq: 10, cachedSeq: 7 });
    expect(window.resumeSeq).toBe(7);
    expect(verdicts(window, 7, 8, 10, 11)).toEqual(['skip', 'mute', 'mute', 'handle']);
    window.settle(8);
    expect(verdicts(window, 8, 9)).toEqual(['skip', 'mute']);
    expect(window.resumeSeq).toBe(8);
  });
});
