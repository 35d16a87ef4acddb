import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Dispatch } from '../../../src/cluster/dispatch/Dispatch.js';
import { DispatchStack } from '../../../src/cluster/dispatch/DispatchStack.js';
import type { StackMark } from '../../../src/cluster/dispatch/StackMark.js';

/** What a successor would find now. */
class FakeMark implements Pick<StackMark, 'enter' | 'leave'> {
  public now: string | undefined;
  public runs = 0;
  public entries = 0;

  public enter({ name, runs }: { readonly name: string; readonly runs: number }): void {
    this.now = name;
    this.entries++;
    this.runs = runs;
  }

  public leave(): void {
    this.now = undefined;
  }
}

let mark: FakeMark;
let stack: DispatchStack;

function dispatch(type: string): Dispatch {
  const host = { mark: mark as unknown as StackMark, steadyNow: () => 0, dispatchChanged: () => {} };
  return new Dispatch(host, { shardId: 0, session: '', seq: 1, attempt: 1, deaths: 0, type, id: '', text: '', at: 0 });
}

beforeEach(() => {
  mark = new FakeMark();
  stack = new DispatchStack();
  stack.start();
});
afterEach(() => stack.stop());

/** Handles a dispatch that code of the bot listens to. */
function handle(dispatch: Dispatch | undefined, work: () => void): void {
  stack.run(dispatch, () => {
    stack.mark();
    work();
  });
}

describe('a dispatch', () => {
  it('is on the stack while its listeners are called, and not afterwards', () => {
    handle(dispatch('a'), () => expect(mark.now).toBe('a'));
    expect(mark.now).toBeUndefined();
  });

  it('that nobody listens to is not noted', () => {
    stack.run(dispatch('a'), () => expect(mark.now).toBeUndefined());
    expect(mark.entries).toBe(0);
  });

  it('is off the stack when a listener has thrown', () => {
    const work = (): never => {
      throw new Error('no');
    };
    expect(() => handle(dispatch('a'), work)).toThrow('no');
    expect(mark.now).toBeUndefined();
  });

  it('inside another one gives way to that again', () => {
    handle(dispatch('outer'), () => {
      handle(dispatch('inner'), () => expect(mark.now).toBe('inner'));
      expect(mark.now).toBe('outer');
      handle(undefined, () => expect(mark.now).toBeUndefined());
      expect(mark.now).toBe('outer');
    });
  });

  it('is on the stack again whenever its work goes on after an await, and not in between', async () => {
    /** @returns what stood on the stack after each of its awaits; the two run through each other in any order. */
    const work = async (ms: number): Promise<(string | undefined)[]> => {
      const seen: (string | undefined)[] = [];
      const inner = async (): Promise<void> => {
        await null;
        seen.push(mark.now);
      };
      await new Promise((resolve) => setTimeout(resolve, ms));
      seen.push(mark.now);
      await Promise.all([Promise.resolve(), new Promise((resolve) => setImmediate(resolve))]);
      seen.push(mark.now);
      await inner();
      seen.push(mark.now);
      return seen;
    };
    const works: Promise<(string | undefined)[]>[] = [];
    handle(dispatch('first'), () => void works.push(work(5)));
    handle(dispatch('second'), () => void works.push(work(5)));
    const beside = new Promise((resolve) => setTimeout(() => resolve(mark.now), 1));
    expect(await beside).toBeUndefined();
    expect(await Promise.all(works)).toEqual([Array(4).fill('first'), Array(4).fill('second')]);
    expect(mark.now).toBeUndefined();
  });

  it('keeps the name of the command that it turned out to be, and that it may run only once', async () => {
    let work: Promise<unknown> = Promise.resolve();
    stack.run(dispatch('INTERACTION_CREATE'), () => {
      stack.rename('eval', true);
      expect(mark.now).toBe('eval');
      work = Promise.resolve().then(() => [mark.now, mark.runs]);
    });
    expect(await work).toEqual(['eval', 99]);
  });

  it('is not followed when nobody asks for it any more', async () => {
    let work: Promise<unknown> = Promise.resolve();
    handle(dispatch('a'), () => {
      work = Promise.resolve().then(() => mark.now);
    });
    stack.stop();
    expect(await work).toBeUndefined();
  });
});
