import { describe, expect, it } from 'vitest';
import { LogTail } from '../../../src/core/log/LogTail.js';
import { registerSecret } from '../../../src/core/log/secrets.js';

describe('LogTail', () => {
  it('keeps the last 200 lines, oldest first', () => {
    const tail = new LogTail();
    for (let i = 0; i < 500; i += 1) tail.push(`line ${i}`);
    expect(tail.lines()).toHaveLength(200);
    expect(tail.lines()[0]).toBe('line 300');
    expect(tail.lines(2)).toEqual(['line 498', 'line 499']);
    expect(tail.lines(0)).toEqual([]);
  });

  it('tells whoever follows of every line from then on, scrubbed', () => {
    const release = registerSecret('hunter2hunter2');
    const tail = new LogTail();
    const heard: string[] = [];
    tail.push('before');
    const unfollow = tail.follow((line) => heard.push(line));
    tail.push('the password is hunter2hunter2');
    unfollow();
    tail.push('after');
    release();
    expect(heard).toEqual(['the password is [redacted]']);
    expect(tail.records(2)).toEqual(['the password is [redacted]', 'after']);
  });

  it('is readable: time, level, who, message, fields, and the stack below, without colours', () => {
    const tail = new LogTail();
    const err = {
      type: 'Error',
      message: 'no',
      stack: 'Error: no\n    at x',
      code: 'E1',
      cause: { message: 'deeper' },
    };
    tail.push(JSON.stringify({ level: 50, time: 1, kind: 'cluster', id: 2, pid: 9, shard: 4, err, msg: 'failed' }));
    expect(tail.lines()).toEqual([
      expect.stringMatching(
        /^\[\d\d:\d\d:\d\d\.001\] ERROR: cluster 2: failed \{"shard":4\}\n {4}Error: no\n {8}at x\n {8}\{"code":"E1"\}\n {4}caused by: undefined: deeper$/,
      ),
    ]);
  });

  it('scrubs when a line comes in', () => {
    const tail = new LogTail();
    tail.push('Bot MTIzNDU2Nzg5MDEyMzQ1Njc4.GabcDE.abcdefghijklmnopqrstuvwxyz0123456789AB');
    expect(tail.lines()).toEqual(['Bot [redacted]']);
  });

  it('keeps fewer lines where they are long', () => {
    const tail = new LogTail();
    for (let i = 0; i < 100; i += 1) tail.push(`${i} ${'x'.repeat(16_000)}`);
    const lines = tail.lines();
    expect(lines.length).toBeLessThanOrEqual(17);
    expect(lines.at(-1)?.startsWith('99 ')).toBe(true);
    tail.push('y'.repeat(1_000_000));
    expect(tail.lines()).toHaveLength(1);
  });
});
