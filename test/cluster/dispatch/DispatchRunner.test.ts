import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FIRST_ATTEMPT } from '../../../src/cluster/dispatch/CommandAttempt.js';
import type { Dispatch, DispatchFacts } from '../../../src/cluster/dispatch/Dispatch.js';
import { DispatchRunner } from '../../../src/cluster/dispatch/DispatchRunner.js';
import { onCrash } from '../../../src/cluster/dispatch/onCrash.js';
import { testDispatch } from './support.js';

let runner: DispatchRunner;
beforeEach(() => {
  runner = new DispatchRunner({ TYPING_START: 'drop' });
  runner.start();
});
afterEach(() => runner.stop());

function create(facts: Partial<DispatchFacts> = {}): Dispatch {
  return testDispatch({ type: 'MESSAGE_CREATE', ...facts }, { onChange: (dispatch) => runner.changed(dispatch) });
}

/** Something that ends when it is told to. */
function pending() {
  let end = (): void => {};
  const promise = new Promise<void>((resolve) => {
    end = resolve;
  });
  return { promise, end };
}

/** Emits a dispatch to listeners, as a client library does. */
function emit(dispatch: Dispatch | undefined, ...listeners: (() => unknown)[]): unknown[] {
  const outcomes: unknown[] = [];
  runner.run(dispatch, () => {
    for (const listener of listeners) outcomes.push(runner.callListener(listener, listener));
  });
  return outcomes;
}

const isOpen = (dispatch: Dispatch) => runner.open.has(dispatch);

describe('a dispatch', () => {
  it('goes on until the last promise of its listeners has settled, rejected ones too', async () => {
    const [first, second] = [pending(), pending()];
    const failed = first.promise.then(() => Promise.reject(new Error('no')));
    failed.catch(() => {});
    const dispatch = create();
    emit(
      dispatch,
      () => failed,
      () => 'no promise',
      () => second.promise,
    );
    first.end();
    await Promise.allSettled([failed]);
    expect(isOpen(dispatch)).toBe(true);
    second.end();
    await second.promise;
    expect(isOpen(dispatch)).toBe(false);
  });

  it('goes on as long as anything that was given to hold(), also later and elsewhere', async () => {
    const [listener, held] = [pending(), pending()];
    const dispatch = create();
    emit(dispatch, async () => {
      await listener.promise;
      await new Promise<void>((resolve) =>
        setTimeout(() => {
          void runner.hold(held.promise);
          resolve();
        }, 1),
      );
    });
    listener.end();
    await expect.poll(() => dispatch.isOpen).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(isOpen(dispatch)).toBe(true);
    held.end();
    await expect.poll(() => isOpen(dispatch)).toBe(false);
  });

  it('that no listener goes on with is over at once', () => {
    const dispatch = create();
    emit(dispatch, () => 1);
    expect(dispatch.isOpen).toBe(false);
  });

  it('is not what an event outside of it belongs to', () => {
    const { promise } = pending();
    expect(emit(undefined, () => promise)).toEqual([promise]);
    expect(runner.hold(promise)).toBe(promise);
    expect(runner.open.size).toBe(0);
  });
});

describe('what a crash interrupts', () => {
  const { promise } = pending();
  const listener = () => promise;

  it('is run again unless its listener or its event says otherwise', () => {
    const dropped = onCrash('drop', () => promise);
    const kept = onCrash('again', () => promise);
    const of = (facts: Partial<DispatchFacts>, ...listeners: (() => unknown)[]) => {
      const dispatch = create(facts);
      emit(dispatch, ...listeners);
      return dispatch.isKept;
    };
    expect(of({}, listener)).toBe(true);
    expect(of({}, dropped)).toBe(false);
    expect(of({}, dropped, listener)).toBe(true);
    expect(of({ type: 'TYPING_START' }, listener)).toBe(false);
    expect(of({ type: 'TYPING_START' }, kept)).toBe(true);
  });

  it('does not call again a listener that is to be dropped', () => {
    const called: string[] = [];
    const dropped = onCrash('drop', () => called.push('dropped'));
    const other = () => called.push('other');
    emit(create({ attempt: 2 }), dropped, other);
    emit(create(), dropped);
    expect(called).toEqual(['other', 'dropped']);
  });
});

describe('a command', () => {
  const run = (dispatch: Dispatch | undefined, rule: 'again' | 'drop') => {
    const attempts: unknown[] = [];
    runner.run(dispatch, () => runner.runCommand('ping', rule, async (attempt) => void attempts.push(attempt)));
    return attempts;
  };

  it('is told which attempt it is, and whether its user has an answer', () => {
    expect(run(create(), 'again')).toEqual([FIRST_ATTEMPT]);
    const repeated = testDispatch({ attempt: 2 }, { known: { acknowledgement: 'confirmed' } });
    expect(run(repeated, 'again')).toEqual([{ number: 2, isAcknowledged: true }]);
    expect(run(undefined, 'again')).toEqual([FIRST_ATTEMPT]);
  });

  it('names its dispatch, and is not run again where it is to be dropped', () => {
    const dispatch = create();
    expect(run(dispatch, 'drop')).toHaveLength(1);
    expect(dispatch.name).toBe('ping');
    expect(dispatch.isKept).toBe(false);
    expect(run(create({ attempt: 2 }), 'drop')).toEqual([]);
  });
});

describe('a drain', () => {
  it('waits for what goes on', async () => {
    const { promise, end } = pending();
    emit(create(), () => promise);
    const drained = runner.drain(60_000);
    end();
    expect(await drained).toEqual([]);
  });

  it('has an end, and says what is left', async () => {
    const dispatch = create();
    emit(dispatch, () => pending().promise);
    expect(await runner.drain(5)).toEqual([dispatch]);
    expect(await runner.drain(0)).toEqual([dispatch]);
  });

  it('ends at once where nothing goes on', async () => {
    expect(await runner.drain(60_000)).toEqual([]);
  });
});
