import { mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StackMark } from '../../../src/cluster/dispatch/StackMark.js';
import { temporaryFolder } from '../store/support.js';

const FACTS = {
  session: '0123456789abcdef',
  seq: 2 ** 40,
  runs: 2,
  since: 12.5,
  name: 'eval',
  id: '1234567890123456789',
};

function marked(): { path: string; mark: StackMark; errors: unknown[] } {
  const path = join(temporaryFolder(), 'stack');
  const errors: unknown[] = [];
  const mark = new StackMark(path, (error) => errors.push(error));
  mark.open();
  return { path, mark, errors };
}

describe('a mark', () => {
  it('says whose it is, and that nothing is on the stack', () => {
    expect(StackMark.read(marked().path)).toEqual({ pid: process.pid, newest: undefined, onStack: undefined });
  });

  it('says what is on the stack, and not any more when it has left', () => {
    const { path, mark } = marked();
    mark.enter(FACTS, 99.5);
    expect(StackMark.read(path)?.onStack).toEqual({ ...FACTS, enteredAt: 99.5 });
    mark.leave();
    expect(StackMark.read(path)?.onStack).toBeUndefined();
  });

  it('says what was the newest on the stack, which older work that goes on does not change, and a new session does', () => {
    const { path, mark } = marked();
    for (const seq of [7, 9, 8]) {
      mark.enter({ ...FACTS, seq }, 0);
      mark.leave();
    }
    expect(StackMark.read(path)?.newest).toEqual({ session: FACTS.session, seq: 9 });
    mark.enter({ ...FACTS, session: 'f'.repeat(16), seq: 2 }, 0);
    expect(StackMark.read(path)?.newest).toEqual({ session: 'f'.repeat(16), seq: 2 });
  });

  it('has room for the names of Discord, and cuts what is longer', () => {
    const { path, mark } = marked();
    mark.enter({ ...FACTS, name: 'x'.repeat(100), id: '' }, 0);
    expect(StackMark.read(path)?.onStack).toMatchObject({ name: 'x'.repeat(48), id: '' });
    mark.enter(FACTS, 0);
    expect(StackMark.read(path)?.onStack).toMatchObject({ name: 'eval', id: FACTS.id });
  });

  it('of the predecessor is gone once a process has made it its own', () => {
    const { path, mark } = marked();
    mark.enter(FACTS, 0);
    new StackMark(path, () => undefined).open();
    expect(StackMark.read(path)?.onStack).toBeUndefined();
  });

  it('is none where there is no file', () => {
    expect(StackMark.read(join(temporaryFolder(), 'stack'))).toBeUndefined();
  });

  it('that was cut off at any length is not believed', () => {
    const { path, mark } = marked();
    mark.enter(FACTS, 0);
    for (let length = readFileSync(path).length - 1; length >= 0; length--) {
      truncateSync(path, length);
      expect(() => StackMark.read(path)).toThrow();
    }
  });

  it('that holds garbage is not believed, and is a mark again for the next process', () => {
    const { path, mark } = marked();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        writeFileSync(path, bytes);
        expect(() => StackMark.read(path)).toThrow();
        mark.open();
        expect(StackMark.read(path)).toEqual({ pid: process.pid, newest: undefined, onStack: undefined });
      }),
    );
  });

  it('that was overwritten in part is not believed', () => {
    const { path, mark } = marked();
    mark.enter(FACTS, 0);
    const old = readFileSync(path);
    mark.enter({ ...FACTS, seq: 77 }, 0);
    const torn = Buffer.concat([readFileSync(path).subarray(0, 64), old.subarray(64)]);
    writeFileSync(path, torn);
    expect(() => StackMark.read(path)).toThrow('it is damaged');
  });

  it('that cannot be written is said once, and hurts nobody', () => {
    const path = join(temporaryFolder(), 'stack');
    mkdirSync(path);
    const errors: unknown[] = [];
    const mark = new StackMark(path, (error) => errors.push(error));
    mark.open();
    mark.enter(FACTS, 0);
    mark.leave();
    mark.close();
    expect(errors).toEqual([expect.objectContaining({ code: 'EISDIR' })]);
  });
});
