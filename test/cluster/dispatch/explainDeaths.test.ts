import { describe, expect, it } from 'vitest';
import { explainDeaths } from '../../../src/cluster/dispatch/explainDeaths.js';
import type { FoundMark } from '../../../src/cluster/dispatch/StackMark.js';
import type { ProcessEnd } from '../../../src/core/contracts/ClusterContract.js';

const ENTERED_AT = 10_000;
const onStack = { session: 's', seq: 5, runs: 1, since: 9_000, enteredAt: ENTERED_AT, name: 'eval', id: '1' };
const newest = { session: 's', seq: 5 };
const empty: FoundMark = { pid: 1, newest, onStack: undefined };
const marked: FoundMark = { pid: 1, newest, onStack };
const ended = (cause: ProcessEnd['cause'], afterMs: number): ProcessEnd => ({
  cause,
  steadyAt: ENTERED_AT + afterMs,
  detail: '',
});

async function verdict(mark: FoundMark, end: ProcessEnd | undefined): Promise<string | undefined> {
  const [death] = await explainDeaths([mark], async () => end);
  return `${death?.cause} ${death?.blamed?.verdict}`;
}

describe('what was on the stack', () => {
  it.each([
    ['of a process that hung', ended('hung', 10_000), 'explained culprit'],
    ['of a process that exited or ran out of memory', ended('itself', 1), 'explained culprit'],
    ['for a second, of a process that somebody killed then', ended('killed', 1_000), 'explained culprit'],
    ['for a moment only, of a process that was killed from outside', ended('killed', 3), 'killed suspect'],
    ['for a moment only, of a process that hung for another reason', ended('hung', 3), 'unexplained suspect'],
    ['of a process whose end nobody saw', undefined, 'killed suspect'],
  ])('%s', async (_name, end, expected) => {
    expect(await verdict(marked, end)).toBe(expected);
  });

  it('is to blame where it was there when another process ended, however that was', async () => {
    const again = { pid: 1, newest, onStack: { ...onStack, runs: 2 } };
    expect(await verdict(again, ended('killed', 3))).toBe('explained culprit');
    expect(await verdict(again, undefined)).toBe('explained culprit');
  });
});

describe('an empty stack', () => {
  it.each([
    ['of a process that hung', ended('hung', 0), 'unexplained undefined'],
    ['of a process that exited', ended('itself', 0), 'unexplained undefined'],
    ['of a process that was killed from outside', ended('killed', 0), 'killed undefined'],
    ['of a process whose end nobody saw', undefined, 'killed undefined'],
  ])('%s blames nobody', async (_name, end, expected) => {
    expect(await verdict(empty, end)).toBe(expected);
  });

  it('is explained by what the same process had on its stack for another shard, and only the same', async () => {
    const asked: number[] = [];
    const deaths = await explainDeaths(
      [empty, undefined, marked, { pid: 2, newest: undefined, onStack: undefined }],
      async (pid) => {
        asked.push(pid);
        return ended('hung', 10_000);
      },
    );
    expect(deaths.map((death) => death?.cause)).toEqual(['explained', undefined, 'explained', 'unexplained']);
    expect(asked).toEqual([1, 2]);
  });
});
